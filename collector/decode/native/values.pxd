# cython: language_level=3
cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from collector.decode.native.hashes cimport LONGEST, whole_hash
from collector.decode.native.maps cimport Map
from collector.decode.native.recall cimport Recall, recall_fetch
from collector.decode.native.wire cimport HashKey, mix


# A distinct string under a key, in the slice that is being read.
cdef struct Pending:
    uint64_t hash
    uint64_t key_hash
    size_t key              # address; 0 when it stands in the arena of paths
    size_t text             # address in the body
    size_t path
    uint32_t key_size
    uint32_t size
    uint32_t first          # of its sightings
    bint nameless           # nothing is concluded from its key
    bint known              # to be bad


cdef struct Seen:
    uint64_t name_hash
    size_t name             # address in the body
    uint32_t name_size
    uint32_t item
    uint32_t resource
    uint32_t count
    uint32_t next           # 0 for none: the first is never a next one
    uint8_t place


# Where the strings that come next stand.
cdef struct Context:
    uint64_t name_hash
    const uint8_t* name
    uint32_t name_size
    uint32_t item
    uint32_t resource
    bint nameless       # their key is not among those that are known


# A string that is looked up when others have come: by then its line of memory is there.
cdef struct Queued:
    uint64_t hash
    uint64_t key_hash
    const uint8_t* key
    const uint8_t* text
    size_t key_size
    size_t size
    Context context
    uint8_t place


cdef enum:
    RECENT = 4096
    QUEUE = 16


@cython.final
cdef class Values:
    cdef bint busy           # another thread is in it
    cdef Recall clean
    cdef uint64_t[4096] recent   # clean values that came last, in memory that stays near
    cdef Recall bad
    cdef Map present
    cdef Pending[::1] pending
    cdef Seen[::1] seen
    cdef uint8_t[::1] paths
    cdef size_t path_used, text_used
    cdef uint32_t used
    cdef uint32_t sightings
    cdef size_t max_length
    cdef readonly uint64_t cut, over_bound
    cdef uint32_t most
    cdef HashKey secret
    cdef Context context
    cdef Queued[16] queue
    cdef uint32_t queued         # so many were queued in this slice
    cdef uint32_t looked_up      # and so many of them looked up

    cdef inline int see(self, uint64_t key_hash, const uint8_t* key, size_t key_size,
                        uint64_t text_hash, const uint8_t* text, size_t size, uint8_t place)\
            except -1 nogil:
        """Note that a string stands in the present context, if it is new or known to be bad.

        ``text_hash`` is its `hashes.whole_hash`, or its `hashes.text_hash` where all is kept.
        """
        cdef uint64_t hashed
        cdef Queued* one
        if size > LONGEST or size > self.max_length:
            size = self.shortened(text, size)
            text_hash = whole_hash(text, size, &self.secret)
        hashed = mix(text_hash, key_hash, &self.secret)
        if self.recent[hashed & (RECENT - 1)] == hashed:
            return 0
        recall_fetch(&self.clean, hashed)
        one = &self.queue[self.queued % QUEUE]
        if self.queued - self.looked_up == QUEUE:
            self.looked_up += 1
            self.look_up(one, False)
        self.queued += 1
        one.hash = hashed
        one.key_hash = key_hash
        one.key = key
        one.key_size = key_size
        one.text = text
        one.size = size
        one.place = place
        one.context = self.context
        return 0

    cdef int see_path(self, uint64_t key_hash, const uint8_t* path, size_t path_size,
                      const uint8_t* text, size_t size, uint8_t place) except -1 nogil
    cdef int flush(self) except -1 nogil
    cdef int look_up(self, Queued* one, bint path) except -1 nogil
    cdef int note(self, uint32_t value, Queued* one) except -1 nogil
    cdef uint32_t sighting(self, Queued* one) except? 0xFFFFFFFF nogil
    cdef size_t shortened(self, const uint8_t* text, size_t size) noexcept nogil
    cdef _grow(self, size_t path)
    cdef _grow_seen(self)
    cdef object take(self, object body, object signal, object resources, bytes trace_ids)

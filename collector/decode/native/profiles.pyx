# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Numbers for what many spans share; what a number stands for is read from one of its spans."""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free

from collector.decode.native.maps cimport map_clear, map_close, map_get, map_put
from collector.decode.native.rooms cimport moved, room_for
from collector.decode.native.wire cimport Field

cdef enum:
    FIRST_ROOM = 64


@cython.final
cdef class Profiles:
    """Profiles by hash, see `calls.profile_hash`.

    To learn one costs as much as to look at many spans, and a sender may invent them.

    Args:
        most: profiles that are learned at once, and an eighth as many each second; spans with
            further ones are known by their kind alone, and counted in `over_bound`. Queries that
            are never the same twice may use half of it; further ones are known without their text,
            and counted in `statements_over_bound`.
    """

    def __cinit__(self, double most):
        self.most = self.left = most
        self.count = KINDS
        self.fresh = <NewProfile[:FIRST_ROOM]>room_for(FIRST_ROOM * sizeof(NewProfile))

    def __dealloc__(self):
        map_close(&self.index)
        if self.fresh is not None:
            free(&self.fresh[0])

    cdef void begin(self, double now) noexcept:
        """Begin a slice: as time passes, more may be learned."""
        if now > self.counted_at:
            self.left = min(self.most, self.left + (now - self.counted_at) * self.most / 8)
        self.counted_at = now

    cdef uint32_t number(self, uint64_t hashed, uint64_t bare, Field* message, int kind)\
            except? 0xFFFFFFFF nogil:
        """The number of a profile; a new one is noted with the span that has it.

        Args:
            hashed: of all of it.
            bare: of it without the text of the query; the same when there is none.
            message: the span.
            kind: of the span.
        """
        cdef int64_t found = map_get(&self.index, hashed)
        cdef uint32_t made
        if found >= 0:
            return <uint32_t>found
        if hashed != bare and self.left < 1 + self.most / 2:
            self.statements_over_bound += 1
            return self.number(bare, bare, message, kind)
        if self.left < 1:
            self.over_bound += 1
            return <uint32_t>kind
        self.left -= 1
        if self.free_count:
            self.free_count -= 1
            made = self.free_numbers[self.free_count]
        else:
            made = self.count
            self.count += 1
        if self.fresh_count >= <size_t>self.fresh.shape[0]:
            with gil:
                self.grow()
        map_put(&self.index, hashed, made)
        self.fresh[self.fresh_count].number = made
        self.fresh[self.fresh_count].start = <size_t>message.start
        self.fresh[self.fresh_count].size = message.size
        self.fresh[self.fresh_count].bare = hashed == bare
        self.fresh_count += 1
        return made

    def take(self):
        """Profiles that were not met before: their number, the bytes of a span, whether it is bare."""
        cdef uint32_t at
        taken = [
            (self.fresh[at].number, (<const char*>self.fresh[at].start)[: self.fresh[at].size],
             bool(self.fresh[at].bare))
            for at in range(self.fresh_count)
        ]
        self.fresh_count = 0
        return taken

    def forget(self, uint32_t[::1] free_numbers not None):
        """Start anew; numbers in use stay with their spans.

        Args:
            free_numbers: those that may be given again.
        """
        if self.busy:
            raise RuntimeError("a scanner serves one thread at a time")
        map_clear(&self.index)
        self.free_numbers = free_numbers
        self.free_count = <uint32_t>free_numbers.shape[0]

    cdef void drop(self) noexcept:
        """Forget what could not be handed over."""
        map_clear(&self.index)
        self.fresh_count = 0

    @property
    def in_use(self):
        """Profiles that have a number."""
        return self.count - self.free_count

    cdef int grow(self) except -1:
        cdef size_t count = self.fresh.shape[0] * 2
        cdef NewProfile* grown = <NewProfile*>moved(
            &self.fresh[0], self.fresh_count * sizeof(NewProfile), count * sizeof(NewProfile))
        self.fresh = <NewProfile[:count]>grown
        return 0

# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The strings of an item: in plain fields, in attributes, and inside their arrays and maps."""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from collector.decode.native.hashes cimport whole_hash
from collector.decode.native.otlp cimport ARRAY, BYTES, MAP, TEXT, read_pair, read_value
from collector.decode.native.rooms cimport moved, room_for
from collector.decode.native.values cimport Values
from collector.decode.native.wire cimport Cursor, Field, hash_bytes, inside, is_utf8, next_field

from collector.decode.anyvalue import bounded
from collector.views import TRACE_STATE_KEY

cdef enum:
    FIRST_ROOM = 256
    LONGEST_NAME = 256
    MOST_LONG_PATHS = 2048   # in one slice; each is made with the interpreter's lock

# Kept for ever: values refer to it, and outlive the decoder that made them.
cdef bytes STATE_NAME = TRACE_STATE_KEY.encode()
cdef size_t STATE_SIZE = len(STATE_NAME)


@cython.final
cdef class Texts:
    """Finds strings and notes them in the table of values.

    Args:
        values: the table.
        keys: names under which strings stand; those under others stand under no name.
        secret: of the hashes.
        places: for each place whether its strings are wanted.
    """

    def __cinit__(self, Values values not None, Keys keys not None, tuple secret, tuple places):
        cdef int index
        self.values = values
        self.keys = keys
        for index in range(4):
            self.secret.mix[index] = secret[index]
        for index in range(PLACES):
            self.places[index] = places[index]
        self.empty_key = hash_bytes(NULL, 0, 0, &self.secret)
        self.state_text = <const uint8_t*><const char*>STATE_NAME
        self.state_key = hash_bytes(self.state_text, STATE_SIZE, 0, &self.secret)
        self.path = <uint8_t[:FIRST_ROOM]>room_for(FIRST_ROOM)

    def __dealloc__(self):
        if self.path is not None:
            free(&self.path[0])

    cdef int plain(self, const uint8_t* text, size_t size, int place) except -1 nogil:
        """A string that stands under no key."""
        if size and self.places[place]:
            self.values.see(self.empty_key, NULL, 0, whole_hash(text, size, &self.secret), text,
                            size, place)
        return 0

    cdef int of_state(self, Field* state, int place) except -1 nogil:
        """The trace state of a span."""
        if state.size and self.places[place]:
            self.values.see(self.state_key, self.state_text, STATE_SIZE,
                            whole_hash(state.start, state.size, &self.secret), state.start,
                            state.size, place)
        return 0

    cdef int of_pair(self, Field* pair, int place) except -1 nogil:
        """The strings of an attribute that no other view asks about."""
        cdef Field key, value, inner
        if self.places[place]:
            read_pair(pair, &key, &value)
            read_value(&value, &inner)
            self.values.context.nameless = self.keys.seek(key.start, key.size, True) == 0
            self.of_value(&inner, self.keys.hash_of(key.start, key.size), key.start, key.size,
                          place)
            self.values.context.nameless = False
        return 0

    cdef int of_value(self, Field* inner, uint64_t key_hash, const uint8_t* key, size_t key_size,
                      int place) except -1 nogil:
        """The strings of a value; those inside maps stand under a path of keys.

        The place is wanted; who calls has looked.
        """
        if inner.tag == TEXT or (inner.tag == BYTES and is_utf8(inner.start, inner.size, NULL)):
            if inner.size:
                self.values.see(key_hash, key, key_size,
                                whole_hash(inner.start, inner.size, &self.secret), inner.start,
                                inner.size, place)
        elif inner.tag == ARRAY or inner.tag == MAP:
            self.used = 0
            self.push(key, key_size)
            self.nested(inner, place)
        return 0

    cdef int of_body(self, Field* inner, int place) except -1 nogil:
        """The strings of a value without a key."""
        if self.places[place]:
            self.of_value(inner, self.empty_key, NULL, 0, place)
        return 0

    cdef int nested(self, Field* outer, int place) except -1 nogil:
        """The strings of an array or a map, under the path that is set."""
        cdef Cursor cursor = inside(outer)
        cdef Field field, key, value, inner
        cdef size_t before = self.used
        while next_field(&cursor, &field):
            if field.tag != 10:
                continue
            if outer.tag == ARRAY:
                read_value(&field, &inner)
                self.nested_value(&inner, place)
                continue
            read_pair(&field, &key, &value)
            read_value(&value, &inner)
            if inner.tag != TEXT and inner.tag != BYTES and inner.tag != ARRAY and inner.tag != MAP:
                continue
            if before + key.size < LONGEST_NAME:
                if before:
                    self.push(b".", 1)
                self.push(key.start, key.size)
                self.nested_value(&inner, place)
                self.used = before
            elif self.long_paths < MOST_LONG_PATHS:
                self.long_paths += 1
                self.long_path(&key, &inner, place)
            else:
                self.values.over_bound += 1
        return 0

    cdef int nested_value(self, Field* inner, int place) except -1 nogil:
        cdef uint64_t hashed
        cdef bint before = self.values.context.nameless
        if inner.tag == TEXT or (inner.tag == BYTES and is_utf8(inner.start, inner.size, NULL)):
            if inner.size:
                hashed = hash_bytes(&self.path[0], self.used, 0, &self.secret)
                self.values.context.nameless = \
                    self.keys.seek_path(hashed, &self.path[0], self.used) == 0
                self.values.see_path(hashed, &self.path[0], self.used, inner.start, inner.size,
                                     place)
                self.values.context.nameless = before
        elif inner.tag == ARRAY or inner.tag == MAP:
            self.nested(inner, place)
        return 0

    cdef int long_path(self, Field* key, Field* value, int place) except -1 with gil:
        """Like a step of `nested`, where the path may be too long to be kept as it is."""
        cdef size_t before = self.used
        cdef bytes outer = PyBytes_FromStringAndSize(<char*>&self.path[0], before)
        cdef bytes path
        inner = (<const char*>key.start)[: key.size].decode("utf-8", "replace")
        if before:
            inner = f"{bounded(outer.decode('utf-8', 'replace'))}.{inner}"
        path = bounded(inner).encode()
        self.used = 0
        self.push(<const uint8_t*><const char*>path, len(path))
        self.nested_value(value, place)
        self.used = 0
        self.push(<const uint8_t*><const char*>outer, before)
        return 0

    cdef int push(self, const uint8_t* text, size_t size) except -1 nogil:
        """Add to the path."""
        if self.used + size > <size_t>self.path.shape[0]:
            with gil:
                self.grow(self.used + size)
        if size:
            memcpy(&self.path[self.used], text, size)
        self.used += size
        return 0

    cdef int grow(self, size_t needed) except -1:
        cdef uint8_t* grown = <uint8_t*>moved(&self.path[0], self.used, needed * 2)
        self.path = <uint8_t[: needed * 2]>grown
        return 0

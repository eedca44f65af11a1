# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Whether bytes are the OTLP request that they claim to be: decided before anything is counted.

The check is driven by protobuf's own descriptors and refuses what protobuf refuses. It also
says when a message is written in an unusual way (a key after its value, a message in two
parts): such requests are rewritten first, so that the scanner can be simple.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from collector.decode.native.otlp cimport TEXT
from collector.decode.native.pairs cimport usual_pair
from collector.decode.native.wire cimport (
    DELIMITED, FIXED32, FIXED64, LONGEST_VARINT, VARINT, WINDOW, Cursor, Field, cursor_of, inside,
    is_utf8, next_field, varint, wide_bytes,
)

from google.protobuf.descriptor import FieldDescriptor


cdef enum:
    NUMBERS = 32         # field numbers that OTLP uses are smaller
    MAX_DEPTH = 100      # of messages in messages, as in protobuf
    LENGTH_ROOM = 5      # bytes of a padded length


cdef enum Kind:
    UNKNOWN = 0
    SCALAR = 1
    STRING = 2
    MESSAGE = 3
    PACKED = 4           # a repeated number, also understood one by one
    PAIR = 5             # attributes


cdef struct Rule:
    uint8_t kind
    uint8_t wire         # of the field itself; of an element where it is PACKED
    int child            # the message type of a MESSAGE
    uint32_t conflicts   # fields that are unusual before this one


cdef struct Report:
    uint64_t invalid     # strings that are not UTF-8
    bint unusual         # the scanner must not read it as it stands
    const uint8_t* end   # of the body: up to here memory may be read


_WIRE = {
    FieldDescriptor.TYPE_DOUBLE: FIXED64,
    FieldDescriptor.TYPE_FIXED64: FIXED64,
    FieldDescriptor.TYPE_SFIXED64: FIXED64,
    FieldDescriptor.TYPE_FLOAT: FIXED32,
    FieldDescriptor.TYPE_FIXED32: FIXED32,
    FieldDescriptor.TYPE_SFIXED32: FIXED32,
    FieldDescriptor.TYPE_STRING: DELIMITED,
    FieldDescriptor.TYPE_BYTES: DELIMITED,
    FieldDescriptor.TYPE_MESSAGE: DELIMITED,
}

#: The scanner must know these before it reads the fields after them.
_FIRST = frozenset({"resource", "scope", "key", "name"})


@cython.final
cdef class Checker:
    """Checks requests of one signal. Safe for threads: it does not change.

    Args:
        descriptor: protobuf's description of the request.
    """

    cdef Rule* rules
    cdef int kinds
    cdef int pair            # the message type of an attribute

    def __cinit__(self, descriptor):
        types = []
        found = {}
        _collect(descriptor, found, types)
        self.kinds = len(types)
        self.pair = found["opentelemetry.proto.common.v1.KeyValue"]
        self.rules = <Rule*>PyMem_Malloc(self.kinds * NUMBERS * sizeof(Rule))
        if self.rules == NULL:
            raise MemoryError
        memset(self.rules, 0, self.kinds * NUMBERS * sizeof(Rule))
        for index, message in enumerate(types):
            for field in message.fields:
                if field.number >= NUMBERS:
                    raise ValueError(f"{field.full_name}: the number is out of range")
                self._learn(index * NUMBERS + field.number, field, found)

    def __dealloc__(self):
        PyMem_Free(self.rules)

    cdef _learn(self, int at, field, dict found):
        cdef Rule* rule = &self.rules[at]
        cdef uint32_t conflicts = 0
        rule.wire = _WIRE.get(field.type, VARINT)
        if field.message_type is not None:
            rule.child = found[field.message_type.full_name]
            rule.kind = PAIR if rule.child == self.pair else MESSAGE
        elif field.type == FieldDescriptor.TYPE_STRING:
            rule.kind = STRING
        elif field.is_repeated and rule.wire != DELIMITED:
            rule.kind = PACKED
        else:
            rule.kind = SCALAR
        if not field.is_repeated and rule.kind in (MESSAGE, PAIR, STRING):
            conflicts = 1 << field.number
        if field.containing_oneof is not None:
            for other in field.containing_oneof.fields:
                conflicts |= 1 << other.number
        if field.name in _FIRST:
            for other in field.containing_type.fields:
                if other.number > field.number:
                    conflicts |= 1 << other.number
        rule.conflicts = conflicts

    def check(self, const uint8_t[::1] body not None):
        """Check a body; releases the interpreter.

        Returns:
            None when protobuf would refuse it; else whether it is written in an unusual way,
            and how many strings are not UTF-8.
        """
        cdef Report report
        cdef bint good = True
        report.invalid = 0
        report.unusual = False
        if body.shape[0]:
            report.end = &body[0] + body.shape[0]
            with nogil:
                good = self.message(0, cursor_of(&body[0], body.shape[0]), 0, &report)
        return (report.unusual, report.invalid) if good else None

    cdef bint message(self, int kind, Cursor cursor, int depth, Report* report) noexcept nogil:
        cdef Field field
        cdef Rule* rule
        cdef uint32_t seen = 0, number
        if depth > MAX_DEPTH:
            return False
        while next_field(&cursor, &field):
            number = field.tag >> 3
            if number >= NUMBERS:
                continue
            rule = &self.rules[kind * NUMBERS + number]
            if rule.kind == UNKNOWN:
                continue
            if field.tag & 7 != rule.wire:
                if rule.kind == PACKED and field.tag & 7 == DELIMITED:
                    if not packed(rule.wire, inside(&field)):
                        return False
                continue
            if seen & rule.conflicts:
                report.unusual = True
            seen |= <uint32_t>1 << number
            if rule.kind == PAIR and depth + 2 <= MAX_DEPTH and plain_pair(&field, report):
                continue
            if rule.kind == MESSAGE or rule.kind == PAIR:
                if not self.message(rule.child, inside(&field), depth + 1, report):
                    return False
            elif rule.kind == STRING and not is_utf8(field.start, field.size, report.end):
                report.invalid += 1
        return not cursor.bad

    def repaired(self, const uint8_t[::1] body not None):
        """A good body with every string made valid UTF-8, as Python reads it with replacement.

        Raises:
            MemoryError: if there is no room for it.
        """
        cdef Buffer buffer = Buffer()
        if body.shape[0]:
            with nogil:
                self.copy(0, cursor_of(&body[0], body.shape[0]), buffer)
        return PyBytes_FromStringAndSize(<char*>buffer.data, buffer.used)

    cdef int copy(self, int kind, Cursor cursor, Buffer buffer) except -1 nogil:
        cdef Field field
        cdef Rule* rule
        cdef const uint8_t* start = cursor.at
        cdef size_t length_at
        while next_field(&cursor, &field):
            rule = NULL
            if field.tag >> 3 < NUMBERS and field.tag & 7 == DELIMITED:
                rule = &self.rules[kind * NUMBERS + (field.tag >> 3)]
            if rule != NULL and rule.wire == DELIMITED and (rule.kind == MESSAGE or rule.kind == PAIR):
                buffer.tag(field.tag)
                length_at = buffer.used
                buffer.reserve(LENGTH_ROOM)
                self.copy(rule.child, inside(&field), buffer)
                buffer.length(length_at)
            elif rule != NULL and rule.wire == DELIMITED and rule.kind == STRING \
                    and not is_utf8(field.start, field.size, NULL):
                buffer.tag(field.tag)
                length_at = buffer.used
                buffer.reserve(LENGTH_ROOM)
                with gil:
                    mended = field.start[: field.size].decode("utf-8", "replace").encode()
                    buffer.append(<const uint8_t*><const char*>mended, len(mended))
                buffer.length(length_at)
            else:
                buffer.append(start, cursor.at - start)
            start = cursor.at
        return 0


cdef inline bint plain_pair(Field* pair, Report* report) noexcept nogil:
    """Whether an attribute is a name and then a plain value, as nearly all are; both are checked.

    What this does not understand is left to `Checker.message`.
    """
    cdef Field key, inner
    if not usual_pair(pair, &key, &inner):
        return False
    # Nearly always all of it is ASCII, its tags and lengths too.
    if pair.size < WINDOW and report.end - pair.start >= WINDOW \
            and wide_bytes(pair.start) & ((<uint64_t>1 << pair.size) - 1) == 0:
        return True
    if inner.tag == TEXT:
        report.invalid += not is_utf8(inner.start, inner.size, report.end)
    report.invalid += not is_utf8(key.start, key.size, report.end)
    return True


cdef bint packed(int wire, Cursor cursor) noexcept nogil:
    cdef size_t size = cursor.end - cursor.at
    if wire == FIXED64:
        return size % 8 == 0
    if wire == FIXED32:
        return size % 4 == 0
    while cursor.at < cursor.end and not cursor.bad:
        varint(&cursor, LONGEST_VARINT)
    return not cursor.bad


@cython.final
cdef class Buffer:
    """Bytes that are being written."""

    cdef uint8_t* data
    cdef size_t used
    cdef size_t room

    def __dealloc__(self):
        free(self.data)

    cdef int reserve(self, size_t size) except -1 nogil:
        cdef size_t room
        cdef uint8_t* grown
        if self.used + size > self.room:
            room = (self.used + size) * 2 + 64
            grown = <uint8_t*>realloc(self.data, room)
            if grown == NULL:
                with gil:
                    raise MemoryError
            self.data = grown
            self.room = room
        self.used += size
        return 0

    cdef int append(self, const uint8_t* start, size_t size) except -1 nogil:
        self.reserve(size)
        if size:
            memcpy(self.data + self.used - size, start, size)
        return 0

    cdef int tag(self, uint32_t tag) except -1 nogil:
        cdef uint8_t byte
        while True:
            byte = tag & 0x7F
            tag >>= 7
            if tag:
                byte |= 0x80
            self.append(&byte, 1)
            if not tag:
                return 0

    cdef int length(self, size_t at) except -1 nogil:
        """Write the length of all that follows its own room, padded to that room."""
        cdef size_t size = self.used - at - LENGTH_ROOM
        cdef int index
        for index in range(LENGTH_ROOM):
            self.data[at + index] = (size & 0x7F) | (0x80 if index < LENGTH_ROOM - 1 else 0)
            size >>= 7
        return 0


def _collect(descriptor, dict found, list types):
    """Number every message type that can stand in a request, itself first."""
    if descriptor.full_name in found:
        return
    found[descriptor.full_name] = len(types)
    types.append(descriptor)
    for field in descriptor.fields:
        if field.message_type is not None:
            _collect(field.message_type, found, types)

# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What a span says that differs from span to span; what each means is said in `collector.details`.

The values are noted while the attributes are read, the last of equal keys counts, and they are
looked at when the span is known to be one that waits for its trace.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from collector.decode.native.hashes cimport kept_size, text_hash
from collector.decode.native.keys cimport Keys
from collector.decode.native.numerals cimport integer_of, numeral
from collector.decode.native.otlp cimport ARRAY, INTEGER, TEXT, read_value
from collector.decode.native.rooms cimport room_for
from collector.decode.native.table cimport BATCH_SHIFT, IDENTITY_SHIFT, SpanRecord
from collector.decode.native.wire cimport Cursor, Field, HashKey, inside, mix, next_field

from collector.classify import SpanKind
from collector.details import TENANTS, BatchSize, IdentityKind

cdef enum:
    SERVER = 2
    CONSUMER = 5
    BY_KEY = 1
    BY_MESSAGE = 2
    EMPTY = 1
    TOLD = 2
    TENANT_BITS = 12
    LARGEST = 0xFFFFFFFF
    NUMERAL_ROOM = 20    # of the longest 64-bit integer, sign and all
    HEX_DIGITS = 32      # of a UUID
    UUID_SIZE = 36       # with its dashes
    URN_SIZE = 9

cdef const char* URN = "urn:uuid:"

cdef extern from *:
    """
    #define TA_OFFSET_BASIS 0xCBF29CE484222325ULL
    #define TA_FACTOR 0x9E3779B97F4A7C15ULL
    """
    uint64_t OFFSET_BASIS "TA_OFFSET_BASIS"
    uint64_t FACTOR "TA_FACTOR"

if (SpanKind.SERVER, SpanKind.CONSUMER, IdentityKind.KEY, IdentityKind.MESSAGE, BatchSize.EMPTY,
        BatchSize.TOLD, TENANTS) != (SERVER, CONSUMER, BY_KEY, BY_MESSAGE, EMPTY, TOLD,
                                     1 << TENANT_BITS):
    raise ImportError("the compiled decoder is older than the package; build it again")


@cython.final
cdef class Details:
    """The attributes of one item of which details are made.

    Args:
        secret: of the hashes.
        keys: in which they have numbers.
        uses: of each its uses, and of those of tenants their rank and family.
    """

    def __cinit__(self, tuple secret, Keys keys, dict uses):
        cdef int index
        cdef uint32_t number
        cdef bytes encoded
        for index in range(4):
            self.secret.mix[index] = secret[index]
        room = keys.used
        self.keys = <DetailKey[:room]>room_for(room * sizeof(DetailKey))
        memset(&self.keys[0], 0, room * sizeof(DetailKey))
        self.met = <uint32_t[:room]>room_for(room * sizeof(uint32_t))
        for name, (use, rank, family) in uses.items():
            encoded = name.encode()
            number = keys.seek(encoded, len(encoded), False)
            self.keys[number].hash = keys.entries[number].hash
            self.keys[number].uses = use
            self.keys[number].rank = rank
            self.keys[number].family = family

    def __dealloc__(self):
        if self.keys is not None:
            free(&self.keys[0])
        if self.met is not None:
            free(&self.met[0])

    cdef int note(self, uint32_t number, Field* value, uint64_t item) except -1 nogil:
        """Note the value of an attribute of an item."""
        cdef DetailKey* key = &self.keys[number]
        if key.stamp != item:
            key.stamp = item
            self.met[self.count] = number
            self.count += 1
        key.tag = value.tag
        key.number = value.number
        key.start = <size_t>value.start
        key.size = value.size
        return 0

    cdef int read(self, int kind, uint64_t offset, bint several, SpanRecord* record)\
            except -1 nogil:
        """Put into the record of a span what was noted.

        Args:
            kind: of the span.
            offset: by the text of its query, or its URL.
            several: whether its query lists several rows.
            record: of which neither is set.
        """
        cdef uint32_t at, rank = LARGEST
        # Ids that do not count on a span of this kind are not looked at.
        cdef uint32_t asked = USE_IDENTITY | USE_TENANT | (
            USE_MESSAGE if kind == CONSUMER else USE_FINGERPRINT if kind == SERVER else 0)
        cdef uint64_t identity = 0, message = 0, fingerprint = 0, hashed, rows = 0
        cdef bint by_key = False, by_message = False, told = False
        cdef int batch = TOLD if several else 0
        cdef int64_t number
        cdef DetailKey* key
        cdef Field value, text
        cdef uint8_t[NUMERAL_ROOM] room
        for at in range(self.count):
            key = &self.keys[self.met[at]]
            value.tag = key.tag
            value.number = key.number
            value.start = <const uint8_t*>key.start
            value.size = key.size
            if key.uses & USE_ROWS and value.tag == INTEGER:
                number = <int64_t>value.number
                rows = 0 if number < 0 else <uint64_t>number
            if key.uses & USE_BATCH and value.tag == INTEGER:
                batch = TOLD if batch == TOLD or <int64_t>value.number > 0 else EMPTY
            if key.uses & USE_OFFSET:
                offset = max(offset, integer_of(&value))
            if not key.uses & asked or not id_text(&value, &text, room):
                continue
            hashed = mix(key.hash, text_hash(text.start, text.size, &self.secret), &self.secret)
            if key.uses & USE_IDENTITY:
                identity += hashed
                by_key = True
            if key.uses & USE_MESSAGE & asked:
                message += hashed
                by_message = True
            if key.uses & USE_FINGERPRINT & asked:
                fingerprint += hashed
                told = True
            if key.uses & USE_TENANT and key.rank < rank:
                rank = key.rank
                record.tenant = <uint16_t>(
                    key.family << TENANT_BITS | tenant_number(text.start, text.size))
        record.kinds |= <uint8_t>(batch << BATCH_SHIFT)
        if told:
            record.target = fingerprint + (fingerprint == 0)
        if by_message:
            record.extra = message + (message == 0)
            record.kinds |= BY_MESSAGE << IDENTITY_SHIFT
        elif by_key:
            record.extra = identity + (identity == 0)
            record.kinds |= BY_KEY << IDENTITY_SHIFT
        else:
            record.extra = min(offset, <uint64_t>LARGEST) | min(rows, <uint64_t>LARGEST) << 32
        return 0


cdef bint id_text(Field* value, Field* text, uint8_t* room) noexcept nogil:
    """An id as text: strings, integers, and either alone in an array; False when it is none.

    Args:
        value: as `otlp.read_value` reads it.
        text: is set to where it stands.
        room: for the digits of an integer.
    """
    cdef Cursor cursor
    cdef Field item, inner
    cdef int count = 0
    if value.tag == ARRAY:
        cursor = inside(value)
        while count < 2 and next_field(&cursor, &item):
            if item.tag == 10:
                count += 1
                read_value(&item, &inner)
        if count != 1 or inner.tag == ARRAY:
            return False
        value = &inner
    if value.tag == TEXT:
        text.start = value.start
        text.size = kept_size(value.start, value.size)
        return text.size > 0
    if value.tag != INTEGER:
        return False
    text.start = room
    text.size = numeral(<int64_t>value.number, room)
    return True


cdef bint uuid_of(const uint8_t* text, size_t size, uint8_t* to) noexcept nogil:
    """Write a UUID as `collector.details` does; False when a text is none."""
    cdef size_t at, digits = 0
    cdef uint8_t byte, low
    cdef bint dashes
    cdef const uint8_t* end = text + size
    if size < HEX_DIGITS or size > UUID_SIZE + URN_SIZE + 1:
        return False
    if text[0] == c"{":
        text += 1
    elif text[0] | 32 == c"u":
        for at in range(URN_SIZE):
            low = text[at] | (32 if c"A" <= text[at] <= c"Z" else 0)
            if low != <uint8_t>URN[at]:
                return False
        text += URN_SIZE
    if (end - 1)[0] == c"}":
        end -= 1
    size = end - text
    if size != UUID_SIZE and size != HEX_DIGITS:
        return False
    dashes = size == UUID_SIZE
    for at in range(UUID_SIZE):
        if at == 8 or at == 13 or at == 18 or at == 23:
            to[at] = c"-"
            if dashes and text[0] != c"-":
                return False
            text += dashes
            continue
        byte = text[0]
        low = byte | 32
        if not (c"0" <= byte <= c"9" or c"a" <= low <= c"f"):
            return False
        to[at] = byte if byte <= c"9" else low
        text += 1
    return True


cdef uint32_t tenant_number(const uint8_t* text, size_t size) noexcept nogil:
    """As `collector.details.tenant_number`."""
    cdef uint64_t state = OFFSET_BASIS, word
    cdef uint8_t[UUID_SIZE] uuid
    if uuid_of(text, size, uuid):
        text, size = uuid, UUID_SIZE
    cdef size_t left = size
    while left:
        word = 0
        memcpy(&word, text, min(left, <size_t>8))
        state = (state ^ word) * FACTOR
        state ^= state >> 32
        text += min(left, <size_t>8)
        left -= min(left, <size_t>8)
    return <uint32_t>(((state ^ size) * FACTOR) >> (64 - TENANT_BITS))

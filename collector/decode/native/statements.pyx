# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Queries without their values, as `collector.statements.masked` writes them, or nearly.

What is masked here is masked there, however the system of the database quotes; what is not may be
masked there yet. So equal texts here stand for equal texts there, and a text in which that is hard
to tell (escapes by backslash, dollar quotes) stays as it is, which costs a look at another span.
"""

cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memchr, memcpy, memset

from collector.decode.native.hashes cimport kept_size, text_hash
from collector.decode.native.otlp cimport first_characters
from collector.decode.native.paths cimport has_literal, is_digit, is_word
from collector.decode.native.rooms cimport room_for
from collector.decode.native.wire cimport mix

cdef enum:
    LONGEST_READ = 4096      # characters of a query that are looked at
    WIDEST = 4               # bytes of a character
    KNOWN = 2048             # queries that are remembered; a power of two
    MOST_DIGITS = 18
    LARGEST = 0xFFFFFFFF

cdef size_t NOT_TOLD = <size_t>-1

# How far a list of values was written.
cdef enum:
    NO_LIST
    LIST_OPEN                # after its parenthesis
    LIST_VALUE
    LIST_COMMA


cdef inline bint is_blank(uint8_t byte) noexcept nogil:
    """White space as regular expressions know it that know ASCII alone."""
    return byte == 32 or 9 <= byte <= 13


cdef inline bint is_hex(uint8_t byte) noexcept nogil:
    return is_digit(byte) or c"a" <= (byte | 32) <= c"f"


cdef inline bint is_name(uint8_t byte) noexcept nogil:
    """What a number is not beside: part of a word, or a dollar sign."""
    return is_word(byte) or byte == c"$"


cdef inline const uint8_t* words_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and is_word(at[0]):
        at += 1
    return at


cdef inline const uint8_t* digits_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and is_digit(at[0]):
        at += 1
    return at


cdef inline bint apart(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Whether neither a name nor a number goes on here."""
    return at == end or not (is_name(at[0]) or at[0] == c".")


cdef inline const uint8_t* exponent_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where an exponent ends that begins here; NULL when none does."""
    cdef const uint8_t* digits
    if at == end or at[0] | 32 != c"e":
        return NULL
    digits = at + 1
    if digits < end and (digits[0] == c"+" or digits[0] == c"-"):
        digits += 1
    at = digits_end(digits, end)
    return at if at > digits else NULL


cdef const uint8_t* number_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where a number ends that begins here, sign and all; NULL when none does."""
    cdef const uint8_t* whole
    cdef const uint8_t* part
    cdef const uint8_t* power
    if at[0] == c"+" or at[0] == c"-":
        at += 1
    if at == end or not is_digit(at[0]):
        return NULL
    if at[0] == c"0" and end - at > 2 and at[1] | 32 == c"x" and is_hex(at[2]):
        part = at + 3
        while part < end and is_hex(part[0]):
            part += 1
        if apart(part, end):
            return part
    whole = digits_end(at, end)
    if end - whole > 1 and whole[0] == c"." and is_digit(whole[1]):
        part = digits_end(whole + 1, end)
        power = exponent_end(part, end)
        if power != NULL and apart(power, end):
            return power
        if apart(part, end):
            return part
    power = exponent_end(whole, end)
    if power != NULL and apart(power, end):
        return power
    return whole if apart(whole, end) else NULL


cdef const uint8_t* text_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where a text in quotes ends that begins here, if it holds no backslash."""
    at += 1
    while at < end:
        if at[0] != c"'":
            at += 1
        elif end - at > 1 and at[1] == c"'":
            at += 2
        else:
            return at + 1
    return end


cdef const uint8_t* format_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where ``%s`` or ``%(name)s`` ends that begins here; NULL when none does."""
    at += 1
    if at < end and at[0] == c"(":
        at += 1
        if at == end or not is_word(at[0]):
            return NULL
        at = words_end(at, end)
        if at == end or at[0] != c")":
            return NULL
        at += 1
    return at + 1 if at < end and at[0] == c"s" and apart(at + 1, end) else NULL


cdef const uint8_t* value_end(const uint8_t* start, const uint8_t* at, const uint8_t* end)\
        noexcept nogil:
    """Where a value or a parameter ends that begins here; NULL when none does."""
    cdef uint8_t byte = at[0]
    cdef uint8_t before = (at - 1)[0] if at > start else 0
    cdef const uint8_t* after = NULL
    if byte == c"'":
        return text_end(at, end)
    if is_digit(byte) or byte == c"+" or byte == c"-":
        if before == c"?" and is_digit(byte):
            return NULL  # the number of a parameter
        if before == c"." and (at - 1 == start or not is_name((at - 2)[0])):
            return NULL  # it begins with the point
        return number_end(at, end) if not is_name(before) else NULL
    if byte == c":":
        if not is_name(before) and before != c":" and before != c"?" and before != c"]":
            after = words_end(at + 1, end)
    elif byte == c"@":
        if before != c"@":
            after = words_end(at + 1, end)
    elif byte == c"$":
        if not is_name(before):
            after = digits_end(at + 1, end)
    elif byte == c"%":
        return format_end(at, end)
    return after if after != NULL and after - at > 1 else NULL


cdef bint is_plain(const uint8_t* text, size_t size) noexcept nogil:
    """Whether all systems of databases agree where a text's values begin and end."""
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    if memchr(text, c"\\", size) != NULL:
        return False
    while at < end:
        at = <const uint8_t*>memchr(at, c"$", end - at)
        if at == NULL:
            return True
        at += 1
        if at < end and not is_digit(at[0]):
            return False
    return True


cdef const uint8_t* comment_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where a comment ends that begins here; NULL when none does."""
    if end - at < 2:
        return NULL
    if at[0] == c"-" and at[1] == c"-":
        at = <const uint8_t*>memchr(at, c"\n", end - at)
        return at if at != NULL else end
    if at[0] != c"/" or at[1] != c"*":
        return NULL
    at += 2
    while at < end:
        at = <const uint8_t*>memchr(at, c"*", end - at)
        if at == NULL or end - at < 2:
            return end
        if at[1] == c"/":
            return at + 2
        at += 1
    return end


cdef const uint8_t* name_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where what begins with a double quote or a backtick here ends, if it may be a name.

    A colon goes with it: a key of JSON ends so, and what follows the colon is then no parameter.
    """
    cdef uint8_t quote = at[0]
    at = <const uint8_t*>memchr(at + 1, quote, end - at - 1)
    if at == NULL:
        return end
    at += 1
    if quote == c'"':
        while at < end and is_blank(at[0]):
            at += 1
        if at < end and at[0] == c":":
            at += 1
    return at


# A text that is being written: never more bytes than were read for it.
cdef struct Written:
    uint8_t* to
    size_t size
    int list             # how far a list of values is
    size_t opened        # where its parenthesis stands
    size_t closed        # where the last list ended; 0 when none did


cdef inline void put(Written* written, uint8_t byte) noexcept nogil:
    written.to[written.size] = byte
    written.size += 1


cdef inline void put_space(Written* written) noexcept nogil:
    """A space, where a text is before it that ends otherwise."""
    if written.size and written.to[written.size - 1] != c" ":
        put(written, c" ")


cdef void put_sign(Written* written, uint8_t byte) noexcept nogil:
    """What a list may be made of; all that holds nothing but values reads ``(?)``."""
    put(written, byte)
    if byte == c"(":
        written.list = LIST_OPEN
        written.opened = written.size - 1
    elif byte == c"?" and (written.list == LIST_OPEN or written.list == LIST_COMMA):
        written.list = LIST_VALUE
    elif byte == c"," and written.list == LIST_VALUE:
        written.list = LIST_COMMA
    elif byte == c")" and written.list == LIST_VALUE:
        written.list = NO_LIST
        if written.closed and is_comma(written.to + written.closed, written.opened - written.closed):
            written.size = written.closed
        else:
            memcpy(written.to + written.opened, b"(?)", 3)
            written.size = written.closed = written.opened + 3
    else:
        written.list = NO_LIST


cdef bint is_comma(const uint8_t* text, size_t size) noexcept nogil:
    """Whether a text is a comma, with or without spaces."""
    cdef size_t at, commas = 0
    for at in range(size):
        if text[at] == c",":
            commas += 1
        elif text[at] != c" ":
            return False
    return commas == 1


cdef size_t without_values(const uint8_t* text, size_t size, uint8_t* to) noexcept nogil:
    """Write a text without its values, no more bytes than it has; how many.

    `NOT_TOLD` where a letter before a quote says how it is to be read, and the like.
    """
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef const uint8_t* after
    cdef Written written
    cdef uint8_t byte
    written.to = to
    written.size = written.opened = written.closed = 0
    written.list = NO_LIST
    while at < end:
        byte = at[0]
        if is_word(byte) and not is_digit(byte):
            after = words_end(at, end)
            memcpy(to + written.size, at, after - at)
            written.size += after - at
            written.list = NO_LIST
            at = after
            continue
        if is_blank(byte):
            put_space(&written)
            at += 1
            continue
        after = comment_end(at, end) if byte == c"-" or byte == c"/" else NULL
        if after != NULL:
            put_space(&written)
            at = after
            continue
        if byte == c'"' or byte == c"`":
            after = name_end(at, end)
            if after < end and (after - 1)[0] == c":" and is_name(after[0]):
                return NOT_TOLD  # a key of JSON with a number, or a name with a parameter
            memcpy(to + written.size, at, after - at)
            written.size += after - at
            written.list = NO_LIST
            at = after
            continue
        if byte == c"'" and at > text and (is_name((at - 1)[0]) or (at - 1)[0] == c"&"):
            return NOT_TOLD
        after = value_end(text, at, end)
        if after != NULL and after < end and is_name(after[0]):
            return NOT_TOLD  # what follows may be a part of it
        if after == NULL and is_digit(byte) and (at == text or not is_name((at - 1)[0])):
            return NOT_TOLD  # it begins like a number, and is none
        if after != NULL:
            put_sign(&written, c"?")
            at = after
        else:
            put_sign(&written, byte)
            at += 1
    if written.size and to[written.size - 1] == c" ":
        written.size -= 1
    return written.size


cdef inline bint is_word_at(const uint8_t* at, const uint8_t* end, const char* word, size_t size)\
        noexcept nogil:
    """Whether a word of lower case stands here, in any case."""
    cdef size_t letter
    if <size_t>(end - at) < size:
        return False
    for letter in range(size):
        if at[letter] | 32 != <uint8_t>word[letter]:
            return False
    return True


cdef inline const uint8_t* blanks_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and is_blank(at[0]):
        at += 1
    return at


cdef uint64_t number_at(const uint8_t** at, const uint8_t* end) noexcept nogil:
    """The number of at most 18 digits that stands here, and go behind it; 0 when there is none."""
    cdef uint64_t number = 0
    cdef const uint8_t* start = at[0]
    while at[0] < end and is_digit(at[0][0]):
        if at[0] - start == MOST_DIGITS:
            return 0
        number = number * 10 + at[0][0] - c"0"
        at[0] += 1
    return number


cdef uint64_t offset_at(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """What ``OFFSET n``, ``SKIP n``, ``LIMIT n, m`` or ``"skip": n`` skips; 0 for none of them."""
    cdef const uint8_t* after
    cdef uint64_t number
    cdef uint8_t first = at[0]
    cdef size_t sign
    if first == c'"':
        sign = end - at > 1 and at[1] == c"$"
        after = at + 1 + sign
        if not is_word_at(after, end, "skip", 4) or end - after < 5 or after[4] != c'"':
            return 0
        after = blanks_end(after + 5, end)
        if after == end or after[0] != c":":
            return 0
        after = blanks_end(after + 1, end)
        number = number_at(&after, end)
        return number if after == end or not is_word(after[0]) else 0
    if first | 32 == c"o" or first | 32 == c"s":
        sign = 6 if first | 32 == c"o" else 4
        if not is_word_at(at, end, "offset" if sign == 6 else "skip", sign):
            return 0
        after = blanks_end(at + sign, end)
        if after == at + sign:
            return 0
        number = number_at(&after, end)
        return number if after == end or not is_word(after[0]) else 0
    if not is_word_at(at, end, "limit", 5):
        return 0
    after = blanks_end(at + 5, end)
    if after == at + 5:
        return 0
    number = number_at(&after, end)
    after = blanks_end(after, end)
    if after == end or after[0] != c",":
        return 0
    after = blanks_end(after + 1, end)
    return number if after < end and is_digit(after[0]) else 0


cdef uint32_t offset_in(const uint8_t* text, size_t size) noexcept nogil:
    """The largest number of rows that a query says it skips."""
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef uint64_t largest = 0, found
    while at < end:
        if is_word(at[0]):
            if at[0] | 32 == c"o" or at[0] | 32 == c"l" or at[0] | 32 == c"s":
                found = offset_at(at, end)
                largest = found if found > largest else largest
            at = words_end(at, end)
            continue
        if at[0] == c'"':
            found = offset_at(at, end)
            largest = found if found > largest else largest
        at += 1
    return <uint32_t>(largest if largest < LARGEST else LARGEST)


@cython.final
cdef class Statements:
    """What queries say; each is looked at once as long as it is remembered.

    Args:
        secret: of the hashes.
    """

    def __cinit__(self, tuple secret):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.known = <Query[:KNOWN]>room_for(KNOWN * sizeof(Query))
        memset(&self.known[0], 0, KNOWN * sizeof(Query))
        room = LONGEST_READ * WIDEST
        self.masked = <uint8_t[:room]>room_for(room)

    def __dealloc__(self):
        if self.known is not None:
            free(&self.known[0])
        if self.masked is not None:
            free(&self.masked[0])

    cdef Query* read(self, const uint8_t* text, size_t size, uint64_t hashed) except NULL nogil:
        """What a text says.

        Args:
            text: of a query.
            size: in bytes.
            hashed: its `hashes.text_hash`.
        """
        cdef Query* known = &self.known[(hashed ^ hashed >> 32) & (KNOWN - 1)]
        cdef size_t looked_at
        if known.text == hashed and hashed:
            return known
        size = kept_size(text, size)
        looked_at = size if size <= LONGEST_READ else first_characters(text, size, LONGEST_READ)
        known.text = hashed
        known.literal = has_literal(text, size, LONGEST_READ)
        known.offset = offset_in(text, looked_at)
        looked_at = self.mask(text, looked_at)
        known.masked = text_hash(&self.masked[0], looked_at, &self.secret) if looked_at else 0
        return known

    cdef size_t mask(self, const uint8_t* text, size_t size) except? 0 nogil:
        """Write a text into `masked`; how many bytes."""
        cdef size_t written
        if size > <size_t>self.masked.shape[0]:
            size = self.masked.shape[0]
        if is_plain(text, size):
            written = without_values(text, size, &self.masked[0])
            if written != NOT_TOLD:
                return written
        memcpy(&self.masked[0], text, size)
        return size


def masked(str text):
    """What a query becomes; see the module."""
    cdef Statements statements = Statements((1, 2, 3, 4))
    cdef bytes raw = text[:LONGEST_READ].encode()
    cdef size_t size = statements.mask(<const uint8_t*><const char*>raw, len(raw))
    return (<const char*>&statements.masked[0])[:size].decode()


def offset(str text):
    """The rows that a query skips by its text."""
    cdef bytes raw = text[:LONGEST_READ].encode()
    return offset_in(<const uint8_t*><const char*>raw, len(raw))

# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""Queries without their values, as `collector.statements.masked` writes them, or nearly.

What is masked here is masked there, as the system of the database quotes; what is not may be
masked there yet. So equal texts here stand for equal texts there, and a text in which that is hard
to tell (odd numbers, dollar quotes) stays as it is, which costs a look at another span.
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memchr, memcmp, memcpy, memset

from collector.decode.native.hashes cimport kept_size, text_hash
from collector.decode.native.maps cimport map_close, map_get, map_put
from collector.decode.native.otlp cimport TEXT, first_characters
from collector.decode.native.paths cimport has_literal, is_digit, is_word
from collector.decode.native.rooms cimport room_for
from collector.decode.native.wire cimport Field, mix

cdef enum:
    LONGEST_READ = 4096      # characters of a query that are looked at
    WIDEST = 4               # bytes of a character
    KNOWN = 2048             # queries that are remembered; a power of two
    MOST_DIGITS = 18
    LONGEST_SYSTEM = 32      # bytes of a name of a system that may be known
    LONGEST_URL = 2048       # characters of a URL that are looked at
    LONG_LIST = 20           # commas in it
    LONGEST_WORD = 128       # characters of a command of a cache in which its first word ends
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


cdef inline const uint8_t* names_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and is_name(at[0]):
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
        if (part - 1)[0] | 32 == c"e" and end - part > 1 and is_digit(part[1])\
                and (part[0] == c"+" or part[0] == c"-"):
            part = digits_end(part + 1, end)  # it reads like an exponent
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


cdef const uint8_t* text_end(const uint8_t* at, const uint8_t* end, bint escapes) noexcept nogil:
    """Where a text in quotes ends that begins here; ``escapes`` says that backslashes escape."""
    cdef uint8_t quote = at[0]
    at += 1
    while at < end:
        if escapes and at[0] == c"\\":
            at += 2
        elif at[0] != quote:
            at += 1
        elif end - at > 1 and at[1] == quote:
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
    if at == end or at[0] != c"s":
        return NULL
    at += 1
    return at if at == end or not is_name(at[0]) else NULL


cdef const uint8_t* value_end(const uint8_t* start, const uint8_t* at, const uint8_t* end)\
        noexcept nogil:
    """Where a value or a parameter ends that begins here; NULL when none does."""
    cdef uint8_t byte = at[0]
    cdef uint8_t before = (at - 1)[0] if at > start else 0
    cdef const uint8_t* after = NULL
    if is_digit(byte) or byte == c"+" or byte == c"-":
        if before == c"?" and is_digit(byte):
            return NULL  # the number of a parameter
        if before == c"." and is_digit(byte) and (at - 1 == start or not is_name((at - 2)[0])):
            return NULL  # it begins with the point
        return number_end(at, end) if not is_name(before) else NULL
    if byte == c":":
        if not is_name(before) and before != c":" and before != c"?" and before != c"]":
            after = names_end(at + 1, end)
    elif byte == c"@":
        if before != c"@":
            after = names_end(at + 1, end)
    elif byte == c"$":
        if not is_name(before):
            after = digits_end(at + 1, end)
    elif byte == c"%":
        return format_end(at, end)
    return after if after != NULL and after - at > 1 else NULL


cdef bint opens_dollars(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Whether a text in dollar quotes may begin with the dollar sign here."""
    at = words_end(at + 1, end)
    return at < end and at[0] == c"$"


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


cdef const uint8_t* key_end(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Where a key of JSON ends that begins here, its colon too; NULL when it is a value."""
    at += 1
    while at < end and (is_name(at[0]) or at[0] == c" " or c"*" <= at[0] <= c"/" and at[0] != c"+"
                        and at[0] != c","):
        at += 1
    if at == end or at[0] != c'"':
        return NULL
    at += 1
    while at < end and is_blank(at[0]):
        at += 1
    if at == end or at[0] != c":" or end - at > 1 and at[1] == c":":
        return NULL
    return at + 1


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


cdef bint follows_value(Written* written) noexcept nogil:
    """Whether a comma stands last, and before it a value: then the text is made to end with that."""
    cdef size_t at = written.size
    if at and written.to[at - 1] == c" ":
        at -= 1
    if not at or written.to[at - 1] != c",":
        return False
    at -= 1
    if at and written.to[at - 1] == c" ":
        at -= 1
    if not at or written.to[at - 1] != c"?":
        return False
    written.size = at
    written.list = LIST_VALUE if written.list == LIST_COMMA else NO_LIST
    return True


cdef void put_sign(Written* written, uint8_t byte) noexcept nogil:
    """What a list may be made of; all that holds nothing but values reads ``(?)``."""
    if byte == c"?" and follows_value(written):
        return
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


cdef size_t without_values(const uint8_t* text, size_t size, uint8_t* to, bint values_quoted)\
        noexcept nogil:
    """Write a text without its values, no more bytes than it has; how many.

    `NOT_TOLD` where a letter before a quote says how it is to be read, and the like.
    ``values_quoted`` says that double quotes stand around values, and around keys of JSON, and
    that backslashes escape.
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
        if byte == c"`" or byte == c'"':
            after = name_end(at, end)
            if byte == c'"' and values_quoted:
                after = key_end(at, end)
            elif after < end and (after - 1)[0] == c":" and is_name(after[0]):
                return NOT_TOLD  # a key of JSON with a number, or a name with a parameter
            if after != NULL:
                memcpy(to + written.size, at, after - at)
                written.size += after - at
                written.list = NO_LIST
                at = after
                continue
        if byte == c"'" and at > text and (is_name((at - 1)[0]) or (at - 1)[0] == c"&"):
            return NOT_TOLD
        if byte == c"$" and (at == text or not is_name((at - 1)[0])) and opens_dollars(at, end):
            return NOT_TOLD
        if byte == c"'" or byte == c'"':
            after = text_end(at, end, values_quoted)
        else:
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


cdef bint long_list(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Whether a list in parentheses begins here that is long."""
    cdef int commas = 0
    at = blanks_end(at, end)
    if at == end or at[0] != c"(":
        return False
    at += 1
    while at < end and at[0] != c"(" and at[0] != c")" and commas < LONG_LIST:
        commas += at[0] == c","
        at += 1
    return commas == LONG_LIST


cdef void read_words(const uint8_t* text, size_t size, uint64_t* offset, bint* rows)\
        noexcept nogil:
    """The largest number of rows that a query says it skips, and whether it lists several.

    It does so by a further row after the first of ``VALUES``, and by a long list after ``IN``.
    """
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef const uint8_t* word
    cdef uint64_t found
    cdef uint8_t first
    cdef int64_t depth = 0   # in the first row of values; less than 0 after it
    cdef bint quoted = False
    offset[0] = 0
    rows[0] = False
    while at < end:
        if is_word(at[0]):
            word = at
            first = at[0] | 32
            if first == c"o" or first == c"l" or first == c"s":
                found = offset_at(at, end)
                offset[0] = found if found > offset[0] else offset[0]
            at = words_end(at, end)
            if first == c"i" and at - word == 2 and word[1] | 32 == c"n" and long_list(at, end):
                rows[0] = True
            elif first == c"v" and not depth and at - word == 6 \
                    and is_word_at(word, end, "values", 6):
                word = blanks_end(at, end)
                if word < end and word[0] == c"(":
                    depth = 1
                    at = word + 1
            continue
        if at[0] == c'"':
            found = offset_at(at, end)
            offset[0] = found if found > offset[0] else offset[0]
        elif depth > 0 and at[0] == c"'":
            quoted = not quoted
        elif depth > 0 and not quoted:
            depth += (at[0] == c"(") - (at[0] == c")")
            if not depth:
                depth = -1
                rows[0] |= next_row(at + 1, end)
        at += 1
    if offset[0] > LARGEST:
        offset[0] = LARGEST


cdef inline bint next_row(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Whether a comma and a parenthesis stand here."""
    at = blanks_end(at, end)
    if at == end or at[0] != c",":
        return False
    at = blanks_end(at + 1, end)
    return at < end and at[0] == c"("


cdef uint64_t page_in(const uint8_t* text, size_t size) noexcept nogil:
    """What the body of a search skips: the number under ``from`` beside ``size`` at its top."""
    cdef const uint8_t* at = text
    cdef const uint8_t* end = text + size
    cdef const uint8_t* after
    cdef uint64_t rows = 0, found
    cdef int64_t depth = 0
    cdef bint sized = False, is_from
    at = blanks_end(at, end)
    if at == end or at[0] != c"{":
        return 0
    while at < end:
        if at[0] == c"{" or at[0] == c"[":
            depth += 1
        elif at[0] == c"}" or at[0] == c"]":
            depth -= 1
        elif at[0] == c'"' and depth == 1 and end - at > 6 and at[5] == c'"':
            is_from = memcmp(at + 1, b"from", 4) == 0
            after = blanks_end(at + 6, end)
            if (is_from or memcmp(at + 1, b"size", 4) == 0) and after < end and after[0] == c":":
                if not is_from:
                    sized = True
                else:
                    after = blanks_end(after + 1, end)
                    found = number_at(&after, end)
                    if found > rows and (after == end or not is_word(after[0])):
                        rows = found
        at += 1
    return rows if sized else 0


cdef uint64_t page_of(const uint8_t* url, size_t size) noexcept nogil:
    """What a URL skips by its parameters ``from`` and ``skip``."""
    cdef const uint8_t* at = url
    cdef const uint8_t* end
    cdef const uint8_t* after
    cdef uint64_t rows = 0, found
    end = url + first_characters(url, size, LONGEST_URL)
    while at < end:
        if (at[0] == c"?" or at[0] == c"&") and end - at > 6 and at[5] == c"=" \
                and (memcmp(at + 1, b"from", 4) == 0 or memcmp(at + 1, b"skip", 4) == 0):
            after = at + 6
            found = number_at(&after, end)
            if found > rows and (after == end or after[0] == c"&" or after[0] == c"#"):
                rows = found
        at += 1
    return rows


@cython.final
cdef class Statements:
    """What queries say; each is looked at once as long as it is remembered.

    Args:
        secret: of the hashes.
        systems: what is known of systems of databases, by their names; see `System`.
    """

    def __cinit__(self, tuple secret, dict systems):
        cdef int index
        for index in range(4):
            self.secret.mix[index] = secret[index]
        self.known = <Query[:KNOWN]>room_for(KNOWN * sizeof(Query))
        memset(&self.known[0], 0, KNOWN * sizeof(Query))
        if any(len(name) > LONGEST_SYSTEM for name in systems):
            raise ValueError("a system with a name that is too long")
        for name, index in systems.items():
            map_put(&self.systems, text_hash(name, len(name), &self.secret), index)
        room = LONGEST_READ * WIDEST
        self.masked = <uint8_t[:room]>room_for(room)

    def __dealloc__(self):
        map_close(&self.systems)
        if self.known is not None:
            free(&self.known[0])
        if self.masked is not None:
            free(&self.masked[0])

    cdef int system_of(self, Field* value, uint64_t hashed) noexcept nogil:
        """What is known of a system by its name; ``hashed`` is its `hashes.typed_hash`."""
        cdef int64_t found
        cdef size_t at
        cdef uint8_t[LONGEST_SYSTEM] lower
        if value.tag != TEXT or value.size == 0:
            return UNKNOWN_SYSTEM
        found = map_get(&self.systems, hashed)
        if found >= 0:
            return <int>found
        for at in range(value.size):
            if value.start[at] >= 0x80:
                return UNKNOWN_SYSTEM  # what it is in lower case is hard to tell
        if value.size > LONGEST_SYSTEM:
            return OTHER_SYSTEM
        for at in range(value.size):
            lower[at] = value.start[at] | (32 if c"A" <= value.start[at] <= c"Z" else 0)
        found = map_get(&self.systems, text_hash(lower, value.size, &self.secret))
        return <int>found if found >= 0 else OTHER_SYSTEM

    cdef Query* read(self, const uint8_t* text, size_t size, uint64_t hashed, uint32_t systems)\
            except NULL nogil:
        """What a text says.

        Args:
            text: of a query, which is not empty.
            size: in bytes.
            hashed: its `hashes.text_hash`.
            systems: bits of what is known of the database; if they differ, nothing is.
        """
        cdef Query* known
        cdef size_t looked_at
        cdef uint64_t offset
        if systems & (systems - 1):
            systems = 1 << UNKNOWN_SYSTEM
        hashed += systems
        known = &self.known[(hashed ^ hashed >> 32) & (KNOWN - 1)]
        if known.text == hashed and hashed:
            return known
        size = kept_size(text, size)
        looked_at = size if size <= LONGEST_READ else first_characters(text, size, LONGEST_READ)
        known.text = hashed
        known.literal = has_literal(text, size, LONGEST_READ)
        read_words(text, looked_at, &offset, &known.rows)
        known.offset = <uint32_t>max(offset, min(page_in(text, looked_at), <uint64_t>LARGEST))
        if systems == 1 << CACHE_SYSTEM:
            known.masked = mix(text_hash(text, first_word(text, size), &self.secret), 1, &self.secret)
            return known
        if systems != 1 << UNKNOWN_SYSTEM:
            looked_at = self.mask(text, looked_at, systems == 1 << OTHER_SYSTEM)
            known.masked = text_hash(&self.masked[0], looked_at, &self.secret)
        if systems == 1 << UNKNOWN_SYSTEM or is_nothing(&self.masked[0], looked_at):
            # Nothing is known of its quotes, or the verb is told by what was left out.
            known.masked = mix(text_hash(text, size, &self.secret), 2, &self.secret)
        return known

    cdef size_t mask(self, const uint8_t* text, size_t size, bint values_quoted) except? 0 nogil:
        """Write a text into `masked`; how many bytes."""
        cdef size_t written
        if size > <size_t>self.masked.shape[0]:
            size = self.masked.shape[0]
        written = without_values(text, size, &self.masked[0], values_quoted)
        if written != NOT_TOLD:
            return written
        memcpy(&self.masked[0], text, size)
        return size


cdef size_t first_word(const uint8_t* text, size_t size) noexcept nogil:
    """The bytes before the first space, if it comes soon."""
    cdef const uint8_t* space
    size = first_characters(text, size, LONGEST_WORD)
    space = <const uint8_t*>memchr(text, c" ", size)
    return size if space == NULL else space - text


cdef bint is_nothing(const uint8_t* text, size_t size) noexcept nogil:
    """Whether a text is made of spaces, commas and semicolons alone."""
    cdef size_t at
    for at in range(size):
        if text[at] != c" " and text[at] != c"," and text[at] != c";":
            return False
    return True


def masked(str text, *, bint values_quoted=False):
    """What a query becomes; see the module."""
    cdef Statements statements = Statements((1, 2, 3, 4), {})
    cdef bytes raw = text[:LONGEST_READ].encode()
    cdef size_t size = statements.mask(<const uint8_t*><const char*>raw, len(raw), values_quoted)
    return (<const char*>&statements.masked[0])[:size].decode()


def offset(str text):
    """The rows that a query skips by its text."""
    cdef bytes raw = text[:LONGEST_READ].encode()
    cdef const uint8_t* start = <const uint8_t*><const char*>raw
    cdef uint64_t skipped
    cdef bint rows
    read_words(start, len(raw), &skipped, &rows)
    return max(skipped, min(page_in(start, len(raw)), LARGEST))


def lists_rows(str text):
    """Whether a query lists several rows."""
    cdef bytes raw = text[:LONGEST_READ].encode()
    cdef uint64_t skipped
    cdef bint rows
    read_words(<const uint8_t*><const char*>raw, len(raw), &skipped, &rows)
    return bool(rows)

# cython: language_level=3
"""Hashes of paths and queries without what differs from call to call.

Two paths with equal hashes here read alike after `collector.classify.mask_path`; where that is
in doubt the whole text is hashed, which costs a look-up and is never wrong.
"""

from libc.stdint cimport uint8_t, uint64_t

from collector.decode.native.wire cimport HashKey, hash_bytes, mix


cdef enum:
    LONGEST_MASKED = 512
    SCHEME_WITHIN = 64
    UUID_LENGTH = 36
    LONG_HEX = 16
    LONG_TOKEN = 20


cdef inline bint is_digit(uint8_t byte) noexcept nogil:
    return c"0" <= byte <= c"9"


cdef inline bint is_hex(uint8_t byte) noexcept nogil:
    return is_digit(byte) or c"a" <= (byte | 32) <= c"f"


cdef inline bint is_word(uint8_t byte) noexcept nogil:
    return is_digit(byte) or c"a" <= (byte | 32) <= c"z" or byte == c"_"


cdef inline bint looks_like_id(const uint8_t* text, size_t size) noexcept nogil:
    """Whether a segment of a path reads ``{id}``."""
    cdef size_t at, digits = 0, hexes = 0, tokens = 0, dashes = 0
    for at in range(size):
        if text[at] == c"@":
            return True
        digits += is_digit(text[at])
        hexes += is_hex(text[at])
        tokens += is_word(text[at]) or text[at] == c"-"
        dashes += text[at] == c"-" and (at == 8 or at == 13 or at == 18 or at == 23)
    if size == 0:
        return False
    if digits == size or (hexes == size and size >= LONG_HEX):
        return True
    if size == UUID_LENGTH and dashes == 4 and hexes == UUID_LENGTH - 4:
        return True
    return size >= LONG_TOKEN and tokens == size and digits > 0


cdef inline uint64_t path_hash(const uint8_t* text, size_t size, uint64_t* authority,
                               const HashKey* key) noexcept nogil:
    """The hash of a URL's or target's path with its ids masked; the authority has its own."""
    cdef size_t at = 0, start = 0, segment, stop
    cdef uint64_t state = 0
    cdef bint scheme = False
    authority[0] = 0
    if size > LONGEST_MASKED:
        return hash_bytes(text, size, 1, key)
    for at in range(size):
        if text[at] <= 0x20 or text[at] >= 0x80:
            return hash_bytes(text, size, 1, key)
    for at in range(size):
        if at + 3 <= size and text[at] == c":" and text[at + 1] == c"/" and text[at + 2] == c"/":
            if at + 3 > SCHEME_WITHIN:
                return hash_bytes(text, size, 1, key)
            start = at + 3
            scheme = True
            break
    if scheme:
        while start < size and text[start] != c"/":
            if text[start] == c"?" or text[start] == c"#":
                return hash_bytes(text, size, 1, key)
            start += 1
        authority[0] = hash_bytes(text, start, 2, key)
    elif size >= 2 and text[0] == c"/" and text[1] == c"/":
        return hash_bytes(text, size, 1, key)
    stop = start
    while stop < size and text[stop] != c"?" and text[stop] != c"#":
        stop += 1
    segment = start
    while segment <= stop:
        at = segment
        while at < stop and text[at] != c"/":
            at += 1
        if segment > start and looks_like_id(text + segment, at - segment):
            state = mix(state + 1, 1, key)
        else:
            state = mix(state + 1, hash_bytes(text + segment, at - segment, 3, key), key)
        segment = at + 1
    return state


cdef inline bint has_literal(const uint8_t* text, size_t size, size_t longest) noexcept nogil:
    """Whether a query holds a quoted text or a number, and no placeholder."""
    cdef size_t at, quotes = 0, characters = 0, digits = 0
    cdef bint literal = False, word = False
    for at in range(size):
        if text[at] == c"?":
            return False
        if (text[at] & 0xC0) != 0x80:
            characters += 1
        if characters > longest:
            literal = literal or digits > 0 and not word
            digits = 0
            continue
        quotes += text[at] == c"'"
        if is_digit(text[at]):
            digits += 1
        elif is_word(text[at]):
            word = True
        else:
            literal = literal or (digits > 0 and not word)
            digits = 0
            word = False
    return literal or quotes > 1 or (digits > 0 and not word)

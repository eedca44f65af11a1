"""Credentials by the ways in which programs write them: found there, and not beside it."""

import pytest

from collector.evaluate.detectors.carriers import CARRIERS
from collector.evaluate.detectors.scan import Detectors

HYPERSCAN = Detectors(b"key of the tests")
PLAIN = Detectors(b"key of the tests", plain=True)
OPAQUE = "".join(f"{n:x}Q" for n in range(40, 60))
WORD = "h4rb0r" + "p3pp3r191"

#: Text with {} where the secret stands, and who finds it.
FOUND = {
    "[debug] Cookie: theme=dark; sessionid={}": "session-cookie",
    "Set-Cookie: sid={}; Path=/; HttpOnly": "session-cookie",
    '{{"headers":{{"cookie":"session={}; theme=light"}}}}': "session-cookie",
    '{{"cookies":{{"sessionid":"{}","theme":"dark"}}}}': "session-cookie",
    "headers: {{ cookie: 'connect.sid={}' }}": "session-cookie",
    "curl -b 'SESSIONID={}' https://shop.example/": "session-cookie",
    "wget --cookie=sid={}": "session-cookie",
    "GET / HTTP/1.1\nAuthorization: Token {}": "authorization-header",
    '{{"authorization":"ApiKey {}"}}': "authorization-header",
    "map[Accept:[*/*] X-Api-Key:[{}] X-Request-Id:[1]]": "api-key-header",
    "{{x-api-key=[{}], accept=[text/html]}}": "api-key-header",
    'rawHeaders: ["Host","shop","X-Api-Key","{}"]': "api-key-header",
    '{{"name":"API_TOKEN","value":"{}"}}': "secret-assignment",
    '- name: DB_PASSWORD\n  value: "{}"': "secret-assignment",
    "/app/agent --client-secret {} --once": "secret-assignment",
    "redis --pass {}": "secret-assignment",
    "ENV POSTGRES_PASSWORD {}": "secret-assignment",
}
PASSWORDS = (
    "sshpass -p {} ssh deploy@host",
    "mysql -u root -p{} shop < dump.sql",
    "mysqldump -p{} shop",
    "openssl pkcs12 -in a.p12 -passin pass:{} -nodes",
    "curl -u alice:{} https://api.example/",
    "curl -s --user 'alice:{}' https://api.example/",
    "redis-cli -h cache -a {} ping",
    "CONFIG SET requirepass {}",
    "AUTH {}",
    "AUTH default {}",
    "CREATE LOGIN [judy] WITH PASSWORD = N'{}', CHECK_POLICY = OFF",
    "SET PASSWORD FOR 'a'@'b' = PASSWORD('{}')",
    "app:{}@tcp(db.prod:3306)/shop?parseTime=true",
    "jdbc:oracle:thin:app/{}@//ora.prod:1521/SHOP",
    "machine git.example login ivan password {}",
    "user=dave pass={} ok",
    'Content-Disposition: form-data; name="password"\r\n\r\n{}\r\n--x',
    "new password for grace is: {}",
    "My database password is {}, please write the query",
    "Password for admin: {}",
    "INSERT INTO users (name, password) VALUES ('heidi', '{}')",
    "insert into oauth (id, access_token, at) values (7, '{}', now_utc)",
)

#: The same ways of writing, with nothing secret in them.
QUIET = (
    "Cookie: theme=dark; lang=en; _ga=GA1.2.1234567890.1700000000",
    "Cookie: sessionid=***",
    "session=active; the cookie was set",
    "curl -b cookies.txt https://shop.example/",
    "Authorization: Token <token>",
    '{"authorization":"ApiKey REDACTED"}',
    "authorization: required for this route of the shop",
    "map[X-Api-Key:[REDACTED]]",
    '["X-Api-Key","present"]',
    '{"name":"API_TOKEN","value":""}',
    '{"name":"API_TOKEN","valueFrom":{"secretKeyRef":{"name":"shop","key":"token"}}}',
    '- name: DB_PASSWORD\n  value: "$(PASSWORD)"',
    '- name: DB_HOST\n  value: "db.prod.internal"',
    "/app/agent --client-secret-file /run/secrets/client --once",
    "/app/agent --token ${TOKEN}",
    "/app/agent --key-length 4096",
    "ENV POSTGRES_PASSWORD ${POSTGRES_PASSWORD}",
    "mysql -u root -p shop < dump.sql",
    "mysql --protocol=tcp -P 3306",
    "openssl rsa -passin pass:$PASS",
    "curl -u $USER:$PASSWORD https://api.example/",
    "redis-cli -h cache -a $REDIS_PASSWORD ping",
    "CONFIG SET requirepass ?",
    "AUTH FAILED",
    "AUTH ?",
    "ALTER USER a WITH PASSWORD = N'?'",
    "SELECT PASSWORD(?)",
    "app:***@tcp(db.prod:3306)/shop",
    "jdbc:oracle:thin:@//ora.prod:1521/SHOP",
    "login page password required",
    "bypass=enabled pass=true",
    'form-data; name="comment"\r\n\r\nhello there',
    "new password for grace is: required",
    "the password is incorrect for this account",
    "Password for admin: (hidden)",
    "password must be: longer",
    "INSERT INTO users (name, password) VALUES (?, ?)",
    "INSERT INTO users (name, password) VALUES ($1, $2)",
    "INSERT INTO users (name, city) VALUES ('heidi', 'Zx9qW8e7r6t5')",
    "INSERT INTO users (password) VALUES ('a'), ('b')",
)


def finds(text, detectors):
    return [(one.detector.name, one.secret) for one in detectors.find(text)]


@pytest.mark.parametrize("detectors", [HYPERSCAN, PLAIN], ids=["hyperscan", "re"])
@pytest.mark.parametrize(("text", "name"), FOUND.items())
def test_a_secret_is_found_in_what_programs_print(text, name, detectors):
    found = finds(text.format(OPAQUE), detectors)

    assert any(secret == OPAQUE for _, secret in found)
    assert name in {one for one, _ in found}


@pytest.mark.parametrize("detectors", [HYPERSCAN, PLAIN], ids=["hyperscan", "re"])
@pytest.mark.parametrize("password", [WORD, OPAQUE])
@pytest.mark.parametrize("text", PASSWORDS)
def test_a_password_is_found_as_commands_and_statements_hold_it(text, password, detectors):
    assert any(secret == password for _, secret in finds(text.format(password), detectors))


@pytest.mark.parametrize("detectors", [HYPERSCAN, PLAIN], ids=["hyperscan", "re"])
@pytest.mark.parametrize("text", QUIET)
def test_what_only_looks_so_is_left_alone(text, detectors):
    assert finds(text, detectors) == []


@pytest.mark.parametrize(
    "stand_in", ["REDACTED", "********", "<secret>", "${SECRET}", "{{ secret }}"]
)
@pytest.mark.parametrize("text", [*FOUND, *PASSWORDS])
def test_a_stand_in_is_no_secret(text, stand_in):
    assert finds(text.format(stand_in), HYPERSCAN) == []


@pytest.mark.parametrize("row", CARRIERS, ids=lambda row: row.gate[:30])
def test_every_row_finds_something_here_through_its_own_gate(row):
    texts = [text.format(OPAQUE) for text in FOUND] + [text.format(WORD) for text in PASSWORDS]

    assert any(list(row.find(text, None)) for text in texts)

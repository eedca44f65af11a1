"""Credentials that are known by what stands beside them, and stand-ins that are none."""

from __future__ import annotations

import base64

import pytest

from collector.evaluate.detectors.scan import Detectors

DETECTORS = Detectors(b"key of the tests")
OPAQUE = "aZ3kQ9" * 4
BASIC = base64.b64encode(b"ann:pa55 word").decode()
HEADER = "http.request.header."


def found(key: str, text: str) -> list[tuple[str, str]]:
    return [(find.detector.name, find.secret) for find in DETECTORS.find(text, key)]


@pytest.mark.parametrize(
    ("key", "text", "name", "secret"),
    [
        ("url.full", "https://ann:pa55@host/x", "basic-auth-url", "pa55"),
        ("note", "dial postgres://app:p@ss@db:5432/x failed", "basic-auth-url", "p@ss"),
        ("note", "redis://:pa55@cache:6379/0", "basic-auth-url", "pa55"),
        ("url.full", f"https://h/x?a=1&access_token={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.query", f"token={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?X-Amz-Signature={OPAQUE}&b=1", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?X-Amz-Credential={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?X-Amz-Security-Token={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?AWSAccessKeyId={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?Signature={OPAQUE}", "url-query-secret", OPAQUE),
        ("url.full", f"https://h/x?sv=2&sig={OPAQUE}%3D", "url-query-secret", f"{OPAQUE}%3D"),
        ("url.full", f"https://h/x?X-Goog-Signature={OPAQUE}", "url-query-secret", OPAQUE),
        (HEADER + "authorization", f"Basic {BASIC}", "authorization-header", f"Basic {BASIC}"),
        (HEADER + "authorization", f"Bearer {OPAQUE}", "authorization-header", f"Bearer {OPAQUE}"),
        (HEADER + "authorization", OPAQUE, "authorization-header", OPAQUE),
        ("rpc.request.metadata.authorization", f"bearer {OPAQUE}", "authorization-header", None),
        ("note", f"sent Authorization: Bearer {OPAQUE}", "bearer-token", OPAQUE),
        (HEADER + "authorization", "Bearer of-words-alone", "authorization-header", None),
        ("note", "token=nothingbutsmallletters", "secret-assignment", "nothingbutsmallletters"),
        ("note", f"sent Basic {BASIC}", "basic-auth-header", BASIC),
        ("note", f'{{"authorization": "{OPAQUE}"}}', "authorization-header", OPAQUE),
        (HEADER + "x-api-key", "q1w2e3r4", "api-key-header", "q1w2e3r4"),
        (HEADER + "x_api_key", '["q1w2e3r4"]', "api-key-header", "q1w2e3r4"),
        (HEADER + "ocp-apim-subscription-key", OPAQUE, "api-key-header", OPAQUE),
        (HEADER + "cookie", f"a=b; session_id={OPAQUE}; t=dark", "session-cookie", OPAQUE),
        (
            "http.response.header.set-cookie",
            f"JSESSIONID={OPAQUE}; Path=/",
            "session-cookie",
            OPAQUE,
        ),
        ("url.path", f"/x;jsessionid={OPAQUE}", "session-cookie", OPAQUE),
        ("http.request.cookie.sid", OPAQUE, "session-cookie", OPAQUE),
        ("db.password", "hunter2", "secret-attribute", "hunter2"),
        ("userPassword", "correcthorse", "secret-attribute", "correcthorse"),
        ("DB_PASSWORD", '"123456"', "secret-attribute", "123456"),
        ("app.client_secret", OPAQUE, "secret-attribute", OPAQUE),
        ("accessToken", OPAQUE, "secret-attribute", OPAQUE),
        ("token", "4d1b8f0a-6c1f-4b5e-9d55-0a7e3f2c1b90", "secret-attribute", None),
        ("note", "login failed password=hunter2", "password-assignment", "hunter2"),
        ("note", "password: hunter2", "password-assignment", "hunter2"),
        ("note", '{"user":"ann","password":"hunter"}', "password-assignment", "hunter"),
        ("note", '{\\"password\\":\\"hunter2\\"}', "password-assignment", "hunter2"),
        ("note", "Server=db;User Id=sa;Password=S3cr3t!;", "password-assignment", "S3cr3t!"),
        (
            "db.query.text",
            "CREATE USER a IDENTIFIED BY 'hunter2'",
            "password-assignment",
            "hunter2",
        ),
        ("db.query.text", "ALTER ROLE a WITH PASSWORD 'hunter2'", "password-assignment", "hunter2"),
        ("process.command_line", "tool --password hunter2", "password-assignment", "hunter2"),
        ("process.command_line", "tool --password=hunter2", "password-assignment", "hunter2"),
        ("note", "<db><password>hunter2</password></db>", "password-assignment", "hunter2"),
        ("note", f"api_key={OPAQUE}", "secret-assignment", OPAQUE),
        ("note", f'{{"clientSecret":"{OPAQUE}"}}', "secret-assignment", OPAQUE),
        ("note", f"AccountName=a;AccountKey={'Ab3+' * 21}Ab==", "azure-connection-string", None),
    ],
)
def test_a_credential_is_found_as_what_it_is(
    key: str, text: str, name: str, secret: str | None
) -> None:
    results = dict(found(key, text))
    assert name in results
    assert secret in {None, results[name]}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("url.full", "https://REDACTED:REDACTED@host/x"),
        ("url.full", "https://user:****@host/x"),
        ("url.full", "https://${USER}:${PASS}@host/x"),
        ("url.full", "https://host:8443/x@y"),
        ("url.full", "https://h/x?X-Amz-Signature=REDACTED&sig=REDACTED&page=2"),
        ("url.full", "https://h/x?token=true&signature=v2"),
        ("url.full", f"https://h/x?next_token={OPAQUE}"),
        (HEADER + "authorization", "REDACTED"),
        (HEADER + "authorization", "Bearer ****"),
        (HEADER + "authorization", "Bearer <token>"),
        (HEADER + "x-api-key", "[FILTERED]"),
        (HEADER + "cookie", "theme=dark; lang=en-GB; consent=all-of-them-and-more"),
        (HEADER + "content-type", "application/json"),
        ("auth.token", "null"),
        ("auth.token.type", "Bearer"),
        ("auth.token_id", OPAQUE),
        ("auth.token.count", "17"),
        ("gen_ai.usage.input_tokens", "1234"),
        ("next_page_token", OPAQUE),
        ("session.id", OPAQUE),
        ("idempotency.key", OPAQUE),
        ("partition_key", OPAQUE),
        ("public_key", OPAQUE),
        ("k8s.secret.name", "shop-db-credentials"),
        ("vault.secret", "shop/db/credentials"),
        ("secret", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-x1Y2z3"),
        ("token.secret", "7"),
        ("password", "${DB_PASSWORD}"),
        ("password", "?"),
        ("password", "xxxxxxxx"),
        ("password.error", "hunter2"),
        ("form.password", "must be at least 8 characters long"),
        ("password_reset_url", "/reset"),
        ("note", "password: must not be empty"),
        ("note", "Invalid password: incorrect"),
        ("note", "password = ?"),
        ("note", "password=$1 and pwd=:pwd or passwd=%s"),
        ("note", "password = getPassword()"),
        ("note", 'password = os.environ["DB_PASSWORD"]'),
        ("note", "unexpected token: identifier"),
        ("note", "token: string, secret: boolean"),
        ("note", "the bearer of bad news is here"),
        ("note", "Bearer authentication-is-required-here"),
        ("note", "Basic authentication"),
        ("note", "export API_KEY=$(cat key)"),
        ("note", "use client_secret=<your-client-secret> here"),
    ],
)
def test_a_stand_in_is_no_credential(key: str, text: str) -> None:
    assert found(key, text) == []

"""Why the bucket can't be used: one table of causes, recognised by the classes and codes of botocore and S3; and its client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from nexus_assets.errors import NexusAssetsError
from nexus_assets.wire import require_https, shown_address


class BucketError(NexusAssetsError):
    """The bucket can't be listed or read."""


class Cause(NamedTuple):
    """What is wrong, after "The bucket …", and what to do. Names are classes of botocore.exceptions or error codes of S3, or of ours
    for what is no answer of S3 (s3_pages)."""

    names: tuple[str, ...]
    problem: str
    remedy: str
    transient: bool = False


_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, a profile that has them)."
_RENEW = "Sign in again (`aws sso login`, or whatever gives you the credentials), then run the command again."
_POLICY = "Let this user list and read the bucket: docs/connecting.md has the policy."
_REGION = "Set AWS_DEFAULT_REGION to the bucket's region."
_ENDPOINT = "Check NEXUS_S3_ENDPOINT_URL and the network, then run the command again."

CUT_OFF = Cause(
    ("CutOff",),
    "sent an answer that is empty, cut off or garbled",
    "Nothing was written. Run the command again; if it stays so, see whether a proxy stands before NEXUS_S3_ENDPOINT_URL.",
    transient=True,
)
CAPTIVE_PORTAL = Cause(
    ("CaptivePortal", "511"),
    "can't be reached: a web page answers in its place, of a captive portal (a network's sign-in page) or a proxy",
    "Nothing was written. Sign in to the network or let the proxy pass NEXUS_S3_ENDPOINT_URL (NO_PROXY), check that this is the"
    " address of the S3 API and not of a console, then run the command again.",
    transient=True,
)

PROXY_LOGIN = Cause(
    ("ProxyLogin", "407"),
    "can't be reached: the proxy before it asks for a user and a password",
    "Nothing was written. Set HTTPS_PROXY (for an http:// address HTTP_PROXY) to http://USER:PASSWORD@HOST:PORT of the proxy, or let it"
    " be passed by with NO_PROXY, then run the command again.",
)

TOO_SLOW = Cause(
    (
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "RequestTimeout",
        "ResponseStreamingError",
    ),
    "did not answer in time, or the connection broke",
    _ENDPOINT,
    transient=True,
)

CERTIFICATE = "CERTIFICATE_VERIFY_FAILED"
"""OpenSSL's own word, the same in every version and language."""

TUNNEL_REFUSED = "Tunnel connection failed: 407"
"""Python's own words for a proxy that lets nobody through to TLS without a login."""

CAUSES: tuple[Cause, ...] = (
    Cause(
        ("ProfileNotFound",),
        "needs a profile (AWS_PROFILE) that the AWS configuration does not have",
        "Write the profile's name as ~/.aws/config has it, or unset AWS_PROFILE.",
    ),
    Cause(
        ("ConfigParseError", "ConfigNotFound", "InvalidConfigError"),
        "needs an AWS configuration that can be read",
        "Correct ~/.aws/config or ~/.aws/credentials.",
    ),
    Cause(("NoCredentialsError", "InvalidAccessKeyId"), "has no credentials that S3 knows", _KEYS),
    Cause(
        ("PartialCredentialsError",),
        "has half a key: only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set",
        _KEYS,
    ),
    Cause(
        ("CredentialRetrievalError", "MetadataRetrievalError"),
        "needs credentials from a process or service (credential_process, a role) that did not give any",
        "Run that program on its own to see why; it stands in ~/.aws/config.",
    ),
    Cause(
        ("SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError", "TokenRetrievalError", "LoginRefreshRequired"),
        "needs a sign-in (SSO) that has expired or never was",
        _RENEW,
    ),
    Cause(
        ("ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "RequestExpired"),
        "refused: the session token has expired or is not valid",
        _RENEW,
    ),
    Cause(
        ("SignatureDoesNotMatch",),
        "refused: the secret key is not that of the access key",
        "Check AWS_SECRET_ACCESS_KEY.",
    ),
    Cause(
        ("RequestTimeTooSkewed",),
        "refused: this machine's clock and the server's differ by more than 15 minutes",
        "Set this machine's clock (NTP), then run the command again.",
    ),
    Cause(("AccessDenied", "403", "AllAccessDisabled"), "may not be used by this user (AccessDenied)", _POLICY),
    Cause(("AccountProblem", "NotSignedUp", "InvalidPayer"), "belongs to an account that has a problem", "Ask AWS."),
    Cause(
        (
            *("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException", "301", "307"),
            *("TemporaryRedirect", "NoRegionError", "InvalidRegionError", "InvalidRegion"),
        ),
        "is in another region than the one that is set",
        _REGION,
    ),
    Cause(("NoSuchBucket",), "does not exist (NoSuchBucket)", "Check the bucket's name in NEXUS_S3_BUCKET."),
    Cause(
        ("ParamValidationError", "InvalidBucketName"),
        "has a name that no bucket can have",
        "Check NEXUS_S3_BUCKET: the name alone, without s3:// and without a folder.",
    ),
    Cause(
        ("InvalidEndpoint", "ValueError", "InvalidEndpointConfigurationError", "UnknownEndpointError"),
        "has an endpoint that is not an address",
        "Write NEXUS_S3_ENDPOINT_URL with https:// and the host: https://s3.example.",
    ),
    Cause(
        (CERTIFICATE,),
        "is on a server whose certificate is not from an authority that we trust, is for another host, or has expired",
        "Check the host in NEXUS_S3_ENDPOINT_URL; name the file of an authority of your own in AWS_CA_BUNDLE. Else it may be"
        " another server that answers.",
    ),
    Cause(
        ("SSLError",),
        "is on a server that does not offer TLS at this address",
        "Check host and port of NEXUS_S3_ENDPOINT_URL.",
    ),
    Cause(
        ("ProxyConnectionError", "InvalidProxiesConfigError"),
        "can't be reached through the proxy",
        "Check HTTPS_PROXY, and HTTP_PROXY for an http:// address.",
    ),
    Cause(("EndpointConnectionError",), "can't be reached: nothing answers at the endpoint", _ENDPOINT, transient=True),
    TOO_SLOW,
    Cause(
        (
            *("SlowDown", "Throttling", "ThrottlingException", "RequestThrottled", "RequestLimitExceeded"),
            *("TooManyRequests", "TooManyRequestsException", "429"),
        ),
        "is throttled: its server gets more requests than it takes",
        "Run the command again in some minutes, when less else uses the bucket.",
        transient=True,
    ),
    Cause(
        ("ServiceUnavailable", "InternalError", "InternalServerError", "500", "502", "503", "504"),
        "is on a server that is out of order or overloaded",
        "Run the command again in some minutes.",
        transient=True,
    ),
    CUT_OFF,
    CAPTIVE_PORTAL,
    PROXY_LOGIN,
)


class PageError(Exception):
    """An answer that is no page of a listing, or not the next one; it holds no key."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.problem)
        self.cause = cause


def unproven(why: str) -> PageError:
    """The error of a page that contradicts what S3 promises: taken as it is, files would be missing without an error."""
    return PageError(
        Cause(
            (),
            f"sent a page of its listing that can't be right: {why}",
            "Nothing was written. Run the command again; if it stays so, ask whoever runs the S3 server, or the proxy before it.",
        )
    )


_GENERAL = "Nothing was written. Check NEXUS_S3_BUCKET and the bucket's policy, then run the command again."


def code_of(error: BaseException) -> str:
    """S3's code where it answered, else the name of the error's class."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__


def cause_of(error: BaseException) -> Cause:
    """The cause of an error of boto3: by S3's code where it answered, else by the error's class or one that it is derived from."""
    if isinstance(error, PageError):
        return error.cause
    code = "" if (found := code_of(error)) == type(error).__name__ else found
    text = f"{error} {getattr(error, 'kwargs', {}).get('error', '')}"
    known = [name for word, name in ((CERTIFICATE, CERTIFICATE), (TUNNEL_REFUSED, "407")) if word in text]
    names = [code] if code else [*known, *(kind.__name__ for kind in type(error).__mro__)]
    for name in names:
        for cause in CAUSES:
            if name in cause.names:
                return cause
    if code:
        return Cause((), f"refused ({code})", _GENERAL)
    return Cause((), f"can't be reached ({type(error).__name__})", _ENDPOINT)


@contextmanager
def sanitized_errors(bucket: str, endpoint: str | None) -> Iterator[None]:
    """Turns boto3's errors into BucketError with what to do next; of the endpoint nothing secret is shown."""
    from botocore import exceptions

    place = f"bucket {bucket}" + (f" at {shown_address(endpoint)}" if endpoint else "")
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError, exceptions.HTTPClientError, PageError) as error:
        cause = cause_of(error)
        raise BucketError(f"The {place} {cause.problem}.", remedy=cause.remedy, transient=cause.transient) from None


def made_client(make: Any, bucket: str) -> Any:
    """The client that `make` makes. Raises BucketError where configuration or endpoint forbid one, NexusAssetsError for an
    endpoint on another machine without TLS, wherever it was set (AWS_ENDPOINT_URL counts too)."""
    with sanitized_errors(bucket, None):
        try:
            client = make()
        except ValueError:  # botocore's for an endpoint that is no address; its text quotes it
            cause = cause_of(ValueError())
            raise BucketError(f"The bucket {bucket} {cause.problem}.", remedy=cause.remedy) from None
    require_https(client.meta.endpoint_url, of="s3", setting="NEXUS_S3_ENDPOINT_URL")
    return client

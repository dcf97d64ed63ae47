"""One file, read from the environment, with a default for everything: a clone runs without any configuration."""

from ipaddress import ip_network
from pathlib import Path

import dj_database_url

from stt_site.lib.env import env, env_bool, env_float, env_int, env_list
from stt_site.lib.run_dir import run_dir
from stt_site.lib.secret_key import load_or_create_secret

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env("STT_DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
RUN_DIR = run_dir(DATA_DIR)

# --- the product
PRODUCT_NAME = env("STT_NAME", "Steno")
HOST = env("STT_HOST", "127.0.0.1")
PORT = env_int("STT_PORT", 8000)
SITE_URL = env("STT_SITE_URL", f"http://{'localhost' if HOST in ('127.0.0.1', '0.0.0.0') else HOST}:{PORT}")

# --- security
DEBUG = env_bool("STT_DEBUG", False)
SECRET_KEY = env("STT_SECRET_KEY") or load_or_create_secret(DATA_DIR / "secret_key")
# Keys at rest are keyed hashes; without the pepper a stolen database opens nothing.
API_KEY_PEPPER = env("STT_API_KEY_PEPPER") or load_or_create_secret(DATA_DIR / "api_key_pepper")
ALLOWED_HOSTS = env_list("STT_ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = env_list("STT_CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env_list("STT_TRUSTED_PROXIES")
HTTPS = env_bool("STT_HTTPS", SITE_URL.startswith("https://"))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Redirecting to HTTPS is the work of the proxy that ends it, and other subdomains are not ours to speak for.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]

# --- applications
INSTALLED_APPS = [
    # First, so that `runworker` is ours and not the one that Channels ships for its background workers.
    "stt_site",
    "accounts",
    "transcripts",
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "django_q",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "transcripts.api.middleware.Surface",
    "django.middleware.security.SecurityMiddleware",
    "stt_site.lib.csp.ContentSecurityPolicy",
    "stt_site.lib.static.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.web.sessions.LastSeen",
    "transcripts.web.errors.RefusalPages",
]
ROOT_URLCONF = "stt_site.urls"
ASGI_APPLICATION = "stt_site.asgi.application"
WSGI_APPLICATION = "stt_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "transcripts.web.context.product",
                "accounts.web.context.payments",
            ],
            "builtins": ["transcripts.web.tags", "django.templatetags.static"],
        },
    },
]

# --- data
SQLITE_OPTIONS = {
    # Read-then-write in a deferred transaction fails with "database is locked" under load; IMMEDIATE waits its turn.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: with NORMAL the last commits may be lost at power loss, and commits here are money.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
# Said, because pytest-django knows the names of Django's own engines only.
SQLITE_TEST = {"NAME": ":memory:"}
DATABASES = {
    # conn_max_age must stay 0: under ASGI each request has a thread of its own, and a connection that is kept open is
    # never used again. With 60 s, a hundred requests are all the connections that PostgreSQL has. (The worker's
    # processes have one thread each, and keep theirs: `runworker`. What SQLite closes waits for others: lib/sqlite.)
    "default": dj_database_url.parse(env("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}"), conn_max_age=0)
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {"ENGINE": "stt_site.lib.sqlite", "OPTIONS": SQLITE_OPTIONS, "TEST": SQLITE_TEST}
    # SQLite has one writer a file. The counters of every request have a file of their own, so that they never wait
    # for money or it for them, and need not survive a power cut.
    DATABASES["ratelimit"] = {
        "ENGINE": "stt_site.lib.sqlite",
        "TEST": SQLITE_TEST,
        "NAME": str(DATA_DIR / "ratelimit.sqlite3"),
        "OPTIONS": {"timeout": 2, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
    }
COUNTERS = "ratelimit" if "ratelimit" in DATABASES else "default"
DATABASE_ROUTERS = ["stt_site.lib.routers.CountersApart"]
REDIS_URL = env("REDIS_URL")
# A Redis that hangs must not hold requests up. A worker's blocking read takes a second by itself.
REDIS_TIMEOUTS = {"socket_connect_timeout": 1, "socket_timeout": 2}
# What allauth counts sign-ins in. In the database also where there is Redis: every process and host counts together,
# and signing in needs nothing that it does not need anyway (docs/decisions/0006).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, **REDIS_TIMEOUTS}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
MEDIA_ROOT = DATA_DIR / "media"
S3_BUCKET = env("STT_S3_BUCKET")
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env("STT_S3_ENDPOINT") or None,
            "region_name": env("STT_S3_REGION") or None,
            # By itself it holds a whole recording in memory while it is read; beyond this it goes to a scratch file.
            "max_memory_size": 8 * 1024 * 1024,
        },
    }
    if S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT), "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "stt_site.lib.static.ModuleStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- mail
EMAIL_HOST = env("STT_EMAIL_HOST")
EMAIL_PORT = env_int("STT_EMAIL_PORT", 587)
EMAIL_HOST_USER = env("STT_EMAIL_USER")
EMAIL_HOST_PASSWORD = env("STT_EMAIL_PASSWORD")
EMAIL_USE_TLS = env_bool("STT_EMAIL_TLS", True)
DEFAULT_FROM_EMAIL = env("STT_EMAIL_FROM", "steno@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"

# --- accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/transcripts/"
LOGIN_URL = "account_login"
PASSWORD_RESET_TIMEOUT = 3600
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.web.forms.SignupForm", "add_email": "accounts.web.forms.ChangeEmailForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD = "website"
# An account that is usable before its address is confirmed tells whoever signs up whether the address was known, so
# it is that only where no mail can be sent (docs/decisions/0006).
ACCOUNT_EMAIL_VERIFICATION = env("STT_EMAIL_VERIFICATION", "mandatory" if EMAIL_HOST else "optional")
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_TOTP_ISSUER = PRODUCT_NAME
# Ours asks for a confirmed address itself; allauth's own rule would also keep a protected account from changing it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "accounts.web.second_factor.CodeForm",
    "reauthenticate": "accounts.web.second_factor.CodeAgainForm",
    "activate_totp": "accounts.web.second_factor.FirstCodeForm",
}
ADMIN_EMAIL = env("STT_ADMIN_EMAIL", "admin@localhost")
FREE_MINUTES_PER_MONTH = env_int("STT_FREE_MINUTES_PER_MONTH", 600)
ANONYMOUS_PER_DAY = env_int("STT_ANONYMOUS_PER_DAY", 3)
# What a test key may do for nothing: recordings of this length, this many a UTC day and account.
TEST_KEY_SECONDS = env_int("STT_TEST_KEY_SECONDS", 60)
TEST_KEY_PER_DAY = env_int("STT_TEST_KEY_PER_DAY", 20)
# How long requests wait to be logged together; 0 writes each at once.
REQUEST_LOG_SECONDS = env_float("STT_REQUEST_LOG_SECONDS", 1)
REQUEST_LOG_DAYS = env_int("STT_REQUEST_LOG_DAYS", 30)

# --- payments
STRIPE_SECRET_KEY = env("STT_STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRET = env("STT_STRIPE_WEBHOOK_SECRET")
# Price ids and the minutes they buy, as price_1=300,price_2=1200. Empty: every price at Stripe whose metadata says so.
STRIPE_PRICES = env_list("STT_STRIPE_PRICES")
# Another address than Stripe's own, for tests.
STRIPE_API = env("STT_STRIPE_API")
# The pages that a form of ours may lead to; a Checkout domain of one's own belongs here.
STRIPE_PAGES = env_list("STT_STRIPE_PAGES", "https://checkout.stripe.com,https://billing.stripe.com")

# --- engine and jobs
# Empty: the engine runs embedded in the process that needs it (tests, tiny hosts).
# Several, with commas between, where there are several accelerators.
ENGINE_SOCKET = env("STT_ENGINE_SOCKET")
# How many engines `make run` starts; 0: one a GPU.
ENGINES = env_int("STT_ENGINES", 0)
JOB_LEASE_SECONDS = env_float("STT_JOB_LEASE_SECONDS", 60)
JOB_MAX_ATTEMPTS = env_int("STT_JOB_MAX_ATTEMPTS", 3)
JOB_STALL_SECONDS = env_float("STT_JOB_STALL_SECONDS", 600)
# Until a model is in memory, from the slowest of disks.
MODEL_LOAD_SECONDS = env_float("STT_MODEL_LOAD_SECONDS", 900)
SWEEP_SECONDS = env_float("STT_SWEEP_SECONDS", 15)
WORKERS = env_int("STT_WORKERS", 4)
WORKER_DOORBELL = RUN_DIR / "worker.sock"
MAX_AUDIO_SECONDS = env_int("STT_MAX_AUDIO_SECONDS", 12 * 3600)
ANONYMOUS_RETENTION_HOURS = env_int("STT_ANONYMOUS_RETENTION_HOURS", 24)
UPLOAD_EXPIRY_HOURS = env_int("STT_UPLOAD_EXPIRY_HOURS", 24)
# A sender that stops, or that trickles to hold a connection open, is let go.
UPLOAD_STALL_SECONDS = env_float("STT_UPLOAD_STALL_SECONDS", 30)
UPLOAD_MIN_BYTES_PER_SECOND = env_int("STT_UPLOAD_MIN_BYTES_PER_SECOND", 10_000)
# How long a refused sender may be silent before its connection is closed.
UPLOAD_LINGER_SECONDS = env_float("STT_UPLOAD_LINGER_SECONDS", 1)
UPLOADS_AT_ONCE = env_int("STT_UPLOADS_AT_ONCE", 32)
# How long POST /v1/transcribe may keep its caller waiting.
SYNC_WAIT_SECONDS = env_float("STT_SYNC_WAIT_SECONDS", 6 * 3600)
# How long a live stream waits for a client whose connection broke.
STREAM_DETACH_SECONDS = env_float("STT_STREAM_DETACH_SECONDS", 30)
# How far the sound of a live stream may run ahead of the clock.
STREAM_AHEAD_SECONDS = env_float("STT_STREAM_AHEAD_SECONDS", 60)
# Networks, such as 10.0.0.0/8, that recordings may be fetched from and webhooks sent to although they are not public.
OUTBOUND_ALLOW = [str(ip_network(block)) for block in env_list("STT_OUTBOUND_ALLOW")]
# JigsawStack's SDKs type `language_detected` as an object, its page shows a string.
JIGSAW_LANGUAGE_OBJECT = env_bool("STT_JIGSAW_LANGUAGE_OBJECT", False)
# Seconds before each try of a webhook, give or take a fifth: Standard Webhooks' schedule, three days in all.
WEBHOOK_PAUSES = [
    float(pause) for pause in env_list("STT_WEBHOOK_PAUSES", "0,5,300,1800,7200,18000,36000,50400,72000,86400")
]
WEBHOOK_TIMEOUT_SECONDS = env_float("STT_WEBHOOK_TIMEOUT_SECONDS", 15)
# A server that speaks OpenAI's chat API, such as http://127.0.0.1:11434/v1, for what no transcript says by itself.
LLM_URL = env("STT_LLM_URL")
LLM_MODEL = env("STT_LLM_MODEL")
LLM_KEY = env("STT_LLM_KEY")
LLM_SECONDS = env_float("STT_LLM_SECONDS", 300)
# How many tokens it reads and writes at once; a longer text is read in parts.
LLM_CONTEXT = env_int("STT_LLM_CONTEXT", 8192)
# Refuse what OpenAI's own service refuses for the model that is named (docs: the dialect's README).
OPENAI_STRICT = env_bool("STT_OPENAI_STRICT", False)
# Never fill the last of the disk: a database that cannot write loses more than a refused upload.
DISK_RESERVE_BYTES = env_int("STT_DISK_RESERVE_MB", 1024) * 1024 * 1024

Q_CLUSTER = {
    "name": "jobs",
    "workers": WORKERS,
    # -1 is no time-out at all (None would mean the same but is warned about). The Job row's lease decides who runs
    # what and when again; the queue forgets a message once it is taken.
    "timeout": -1,
    "retry": 2**31 - 1,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 0.5,
    "scheduler": False,
    "orm": "default",
    "broker_class": f"stt_site.lib.queue.{'RedisBroker' if REDIS_URL else 'DoorbellBroker'}",
}

# --- REST
# Requests a minute of an account, or of an address without one; `text` is counted by key.
RATE_LIMITS = {
    "reads": env_int("STT_READS_PER_MINUTE", 600),
    "writes": env_int("STT_WRITES_PER_MINUTE", 120),
    "work": env_int("STT_WORK_PER_MINUTE", 120),
    "text": env_int("STT_TEXT_PER_MINUTE", 60),
    "uploads": env_int("STT_UPLOADS_PER_MINUTE", 600),
}
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "stt_site.lib.rest.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": PRODUCT_NAME,
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # A file is bytes where it is sent and an address where it is answered.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "transcripts.api.openapi.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TranscriptStatus": "transcripts.api.schemas.STATUSES",
        "HealthStatus": "transcripts.api.schemas.HEALTH",
        "WebhookState": "transcripts.api.webhook_schemas.STATES",
        "ReplayState": "transcripts.api.webhook_schemas.REPLAYED",
    },
}

# --- language and time
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "stt_site.lib.log_format.Redacting",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env("STT_LOG_LEVEL", "INFO")},
    "loggers": {
        # Without Django's own handlers, which clean nothing.
        "django": {"handlers": []},
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "django-q": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}

"""Every setting of the product. Each is read once, here; `docs/operations.md` has a heading for each."""

import sys
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from bihuan.env import BadSetting, colour, env, port, positive
from bihuan.run import database, secrets

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules

# --- Where we are and where we listen -------------------------------------------------------------------------------
VAR = env("BIHUAN_VAR", BASE_DIR / "var", Path, "数据目录：数据库、照片、密钥、日志都在这里。")
HOST = env("BIHUAN_HOST", "127.0.0.1", str, "监听的地址。")
PORT = env("PORT", 8000, int, "页面和接口的端口。", check=port)
LIVE_PORT = env("BIHUAN_LIVE_PORT", PORT + 1, int, "实时提示（/live/）的端口，默认是 PORT 加一。", check=port)
LIVE_URL = env(
    "BIHUAN_LIVE_URL", "", str, "浏览器取实时提示的地址；空为同一主机的 BIHUAN_LIVE_PORT，反向代理后写 /live/。"
)
WORKERS = env("BIHUAN_WORKERS", 1, int, "页面进程数。", check=positive)
THREADS = env("BIHUAN_THREADS", 8, int, "每个页面进程的线程数。", check=positive)
JOB_THREADS = env("BIHUAN_JOB_THREADS", 2, int, "后台任务同时做几件。", check=positive)
MACHINE = env(
    "BIHUAN_MACHINE",
    0,
    int,
    "几台机器共用一个数据库时，这台的编号（0 到 15），各台不同。",
    check=range(16).__contains__,
)

# --- Secrets: given, or made once and kept in VAR/secrets -----------------------------------------------------------
SECRET_KEY = env("BIHUAN_SECRET_KEY", "", str, "签名用的密钥。", secret=True) or secrets.made(
    VAR / "secrets", "secret_key", size=48
)


def _key(name: str, file: str, help: str) -> bytes:
    text = env(name, "", str, help, secret=True)
    try:
        return secrets.key_bytes(text or secrets.made(VAR / "secrets", file))
    except ValueError as error:
        raise BadSetting(f"设置 {name} 的值不能用：应为 32 字节的 base64（url-safe）。") from error


VAULT_KEY = _key("BIHUAN_VAULT_KEY", "vault_key", "加密联系方式的密钥：32 字节，base64。丢了就再也读不出来。")
VAULT_OLD_KEYS = [
    secrets.key_bytes(text)
    for text in env(
        "BIHUAN_VAULT_OLD_KEYS",
        [],
        list,
        "换钥匙之前用过的加密密钥，用逗号分开；留着才读得出旧的联系方式。",
        secret=True,
        check=secrets.all_keys,
    )
]
VAULT_CIPHER = env(
    "BIHUAN_VAULT_CIPHER",
    "aes",
    str,
    "加密联系方式的算法：aes（AES-256-GCM）或 sm4（SM4-GCM，国密）。",
    check=("aes", "sm4").__contains__,
)
BLIND_KEY = _key("BIHUAN_BLIND_KEY", "blind_key", "按号码查找用的密钥：32 字节，base64。")

# --- Database: DATABASE_URL, or the embedded server -----------------------------------------------------------------
DATABASE_URL = env("DATABASE_URL", "", str, "应用角色的数据库地址；不给就用自带的 PostgreSQL。", secret=True)
DATABASE_OWNER_URL = env(
    "DATABASE_OWNER_URL", "", str, "所有者角色的数据库地址，只用于 migrate、backup、restore。", secret=True
)
POSTGRES_BIN = env("BIHUAN_POSTGRES_BIN", None, Path, "自带数据库所用程序的目录；不给就自己找。")
APPLICATION, OWNER = database.parameters(DATABASE_URL, DATABASE_OWNER_URL, VAR, POSTGRES_BIN)
DATABASES = {"default": database.entry(APPLICATION)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "ninja",
    "procrastinate.contrib.django",
    "bihuan.net",
    "bihuan.programs",
    "bihuan.book",
    "bihuan.dossier",
    "bihuan.loop",
    "bihuan.ladder",
    "bihuan.offers",
    "bihuan.gauge",
    "bihuan.release",
    "bihuan.api",
    "bihuan.web",
    "bihuan.jobs",
    "bihuan.demo",
    "bihuan.run",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Outermost, so that pages of errors that arise anywhere below keep the policy too.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bihuan.web.mistakes.SizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bihuan.web.posting.PostingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "bihuan.web.acting.RefusalMiddleware",
    "bihuan.web.storable.StorableMiddleware",
]
ROOT_URLCONF = "bihuan.web.urls"
WSGI_APPLICATION = "bihuan.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bihuan.web.shell.shell",
            ],
        },
    }
]

FORM_RENDERER = "bihuan.web.rendering.BihuanForms"
ACCENT_COLOR = env("BIHUAN_ACCENT_COLOR", "#1a5fb4", str, "页面的主色（#rrggbb），可用本市自己的颜色。", check=colour)
CITY_NAME = env("BIHUAN_CITY_NAME", "", str, "页眉上、品牌名后面的地名；空则不写。")

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "bihuan" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

# --- Security -------------------------------------------------------------------------------------------------------
DEBUG = env("BIHUAN_DEBUG", False, bool, "开发时显示出错的细节；对外服务时一定要关。")
ALLOWED_HOSTS = env("BIHUAN_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], list, "允许的主机名，用逗号分开。")
HTTPS = env("BIHUAN_HTTPS", False, bool, "经反向代理用 https 提供服务：cookie 只走 https，并要求浏览器只用 https。")
PROXIES = env("BIHUAN_PROXIES", 0, int, "前面有几层自己的反向代理；取访客地址时用。", check=lambda n: n >= 0)
CSRF_TRUSTED_ORIGINS = env(
    "BIHUAN_TRUSTED_ORIGINS", [], list, "可信来源（https://主机），用逗号分开；代理改了主机名时要写。"
)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env("BIHUAN_SESSION_HOURS", 12, int, "工作人员多少小时不用要重新登录。", check=positive) * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_ENGINE = "bihuan.web.sessions"  # in the database: a cache per process would outlive a log-out
# Two copies on one host, on different ports, share a cookie jar: a name of their own keeps each one's people logged in.
SESSION_COOKIE_NAME = f"bihuan_session_{PORT}"
CSRF_COOKIE_NAME = f"bihuan_csrf_{PORT}"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"

TILE_URL = env("BIHUAN_TILE_URL", "", str, "地图底图的地址（{z}/{x}/{y}）；不给就只画网格。")
_TILES = [TILE_URL.split("{", 1)[0]] if TILE_URL.startswith("https://") else []
_LIVE = [SELF] if LIVE_URL.startswith("/") else [SELF, LIVE_URL or f"*:{LIVE_PORT}"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_TILES],
        "connect-src": _LIVE,
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = env("BIHUAN_LOGIN_FAILURES", 5, int, "连续输错几次密码就锁住。", check=positive)
AXES_COOLOFF_TIME = env("BIHUAN_LOGIN_LOCK_HOURS", 1, int, "锁住几小时。", check=positive)
# By name and address together: an office behind one address is not locked out by one person's forgetting.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "bihuan.web.account.locked"
AXES_IPWARE_PROXY_COUNT = PROXIES or None
AXES_VERBOSE = False
if TESTING:  # tests make many accounts; a slow hash proves nothing there
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# --- Files ----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
_STATIC = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG or TESTING
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
WHITENOISE_USE_FINDERS = DEBUG or TESTING
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC},
}
MEDIA_ROOT = VAR / "photos"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_TEMP_DIR = None
CALLS_A_MINUTE = env(
    "BIHUAN_CALLS_A_MINUTE",
    3000,
    int,
    "一个网络地址每分钟最多多少次不登录的接口调用（每个进程分别计数）。",
    check=positive,
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # text of one form; files are counted apart
DATA_UPLOAD_MAX_NUMBER_FILES = 64
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5000}}}
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# --- Keeping --------------------------------------------------------------------------------------------------------
KEEP_PERSONAL_DAYS = env(
    "BIHUAN_KEEP_PERSONAL_DAYS",
    0,
    int,
    "办结多少天以后，清除联系方式、诉求原文和照片；0 为一直保留。",
    check=lambda days: days >= 0,
)

# --- Messages to residents and staff --------------------------------------------------------------------------------
CHANNEL = env(
    "BIHUAN_CHANNEL",
    "file",
    str,
    "消息怎么送出：file（写到数据目录 messages/ 下，由短信网关取走）、console（打在日志里）。",
    check=("file", "console").__contains__,
)
PUBLIC_URL = env("BIHUAN_PUBLIC_URL", f"http://{HOST}:{PORT}", str, "群众打开页面用的网址，写在消息里。").rstrip("/")

# --- Log: one line each, saying who, what, which case ---------------------------------------------------------------
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_LEVEL = env("BIHUAN_LOG_LEVEL", "INFO", str, "日志详略：DEBUG、INFO、WARNING、ERROR。", check=_LEVELS.__contains__)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "bihuan.run.logs.Line"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        "django.server": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        "axes": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
    },
}
PROCRASTINATE_ON_APP_READY = None

"""The web process: pages over HTTP, live pages over WebSockets."""

import os
import warnings

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
# Django warns of every file that WhiteNoise serves; they are few, small and read in a thread.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
setup(set_prefix=False)

# Consumers use models, which exist once Django is set up.
from django.urls import get_resolver  # noqa: E402

from apps.common.collector import calm  # noqa: E402
from apps.common.handler import ThreadedHandler  # noqa: E402
from apps.live.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": ThreadedHandler(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)

# Every view is imported, so that no full collection stands in the way of a page.
_ = get_resolver().url_patterns
calm()

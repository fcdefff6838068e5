"""WebSocket addresses."""

from django.urls import path

from apps.live.consumers import LivePageConsumer

websocket_urlpatterns = [
    path("ws/live/<slug:name>/", LivePageConsumer.as_asgi()),
]

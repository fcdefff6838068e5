from django.urls import URLPattern, URLResolver, path

from apps.console.views import home, platforms, product

app_name = "console"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("platforms/", platforms.platforms, name="platforms"),
    path("product/", product.product, name="product"),
    path("product/copy-trading/", product.set_copy_trading, name="copy_trading"),
]

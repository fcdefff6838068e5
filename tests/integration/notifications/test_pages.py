"""The pages of notifications: one's own, and nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.notifications import api, messages
from apps.notifications.domain.kinds import Kind
from apps.notifications.errors import NotDelivered
from apps.notifications.models import Channel, Notification, Preference
from apps.notifications.writing import Note, write
from tests.factories.accounts import CustomerFactory
from tests.support.queries import queries

pytestmark = pytest.mark.django_db

ADDRESS = "tgram://123456789:AAHsecretTokenOfTheBot/55512345/"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages by messenger, which go nowhere; one to ``fails`` is refused."""
    kept: list[str] = []

    def send(address: str, title: str, body: str) -> None:
        kept.append(body)
        if "fails" in body:
            raise NotDelivered("Telegram: it could not be reached.")

    monkeypatch.setattr(api, "send_to_messenger", send)
    assert messages.send_to_messenger is not send
    return kept


@pytest.fixture
def mara() -> User:
    return CustomerFactory(user__email="mara@example.org").user


@pytest.fixture
def client(mara: User) -> Client:
    client = Client()
    client.force_login(mara)
    return client


@pytest.fixture
def stranger() -> Client:
    client = Client()
    client.force_login(CustomerFactory().user)
    return client


def tell(user: User, kind: Kind = Kind.LOSS_LIMIT, key: str = "", link: str = "/copying/") -> int:
    write([Note(user.pk, kind, key, f"About {kind.value} {key}.", link)], timezone.now())
    return int(Notification.objects.latest("id").pk)


def test_nobody_gets_in_without_signing_in() -> None:
    for path in ("/notifications/", "/notifications/settings/", "/notifications/channels/add/"):
        assert Client().get(path)["Location"].startswith("/accounts/login/")


def test_strangers_find_nothing(mara: User, client: Client, stranger: Client) -> None:
    pk = tell(mara)
    channel = api.add_channel(user=mara, name="Phone", address=ADDRESS)
    base = f"/notifications/channels/{channel.uuid}"

    assert stranger.get(f"/notifications/{pk}/").status_code == 404
    for path in (f"{base}/test/", f"{base}/remove/"):
        assert stranger.post(path).status_code == 404
    assert stranger.get(f"{base}/remove/").status_code == 404
    stranger.post("/notifications/read/", {"id": pk})
    stranger.post("/notifications/read/", {"all": "1"})
    stranger.post("/notifications/settings/", {f"drift:{channel.uuid}": "on"})
    assert b"About loss_limit" not in stranger.get("/notifications/").content
    assert b"Phone" not in stranger.get("/notifications/settings/").content

    assert Notification.objects.get(pk=pk).read_at is None
    assert Channel.objects.filter(pk=channel.pk).exists()
    assert not Preference.objects.filter(channel=channel).exists()


def test_reading_one_marks_it_and_opens_what_it_is_about(mara: User, client: Client) -> None:
    first, second = tell(mara, key="a"), tell(mara, key="b")
    assert ">2</span>" in client.get("/notifications/").content.decode()

    assert client.get(f"/notifications/{first}/")["Location"] == "/copying/"
    page = client.get("/notifications/?show=unread").content.decode()
    assert "About loss_limit b" in page and "About loss_limit a" not in page
    assert "1 unread" in page

    client.post("/notifications/read/", {"id": second})
    assert "You have read everything" in client.get("/notifications/?show=unread").content.decode()
    assert client.post("/notifications/read/", {}).status_code == 404


def test_all_of_a_kind_are_marked_as_read(mara: User, client: Client) -> None:
    drift, loss = tell(mara, Kind.DRIFT), tell(mara)
    client.post("/notifications/read/", {"all": "1", "kind": "drift"})

    unread = Notification.objects.filter(read_at=None).values_list("pk", flat=True)
    assert list(unread) == [loss]
    page = client.get("/notifications/?kind=drift").content.decode()
    assert "About drift" in page and "About loss_limit" not in page
    assert drift


def test_the_list_goes_on_below(mara: User, client: Client) -> None:
    for number in range(28):
        tell(mara, key=f"n{number:02}")
    page = client.get("/notifications/").content.decode()
    assert "n27." in page and "n03." in page and "n02." not in page
    below = page.partition("?below=")[2].partition('"')[0]
    older = client.get(f"/notifications/?below={below}").content.decode()
    assert "n02." in older and "n03." not in older
    for odd in ("x", "-1", "9" * 30):
        assert client.get(f"/notifications/?below={odd}&kind=none").status_code == 200


def test_a_list_costs_few_queries(mara: User, client: Client) -> None:
    tell(mara, key="first")
    few = queries(client, "/notifications/")
    for number in range(30):
        tell(mara, key=f"n{number}")
    assert queries(client, "/notifications/") == few <= 12
    assert queries(client, "/notifications/settings/") <= 12


def test_a_channel_is_added_tested_and_removed(mara: User, client: Client, sent: list[str]) -> None:
    added = client.post(
        "/notifications/channels/add/", {"address": ADDRESS, "name": "Phone"}, follow=True
    )
    page = added.content.decode()
    assert len(sent) == 1 and "the message was sent" in page
    assert "tgram://…45" in page and "AAHsecret" not in page
    channel = Channel.objects.get(name="Phone")

    Channel.objects.filter(pk=channel.pk).update(name="fails", delivered_at=None)
    page = client.post(f"/notifications/channels/{channel.uuid}/test/", follow=True).content
    assert b"it could not be reached" in page and b"Fails" in page
    assert b"the last message did not arrive" in client.get("/notifications/").content

    page = client.get(f"/notifications/channels/{channel.uuid}/remove/").content.decode()
    assert "Remove fails?" in page and "AAHsecret" not in page
    client.post(f"/notifications/channels/{channel.uuid}/remove/")
    assert not Channel.objects.filter(pk=channel.pk).exists()
    email = Channel.objects.get(user=mara, type="email")
    assert client.post(f"/notifications/channels/{email.uuid}/remove/").status_code == 404


def test_an_address_that_is_refused_is_not_shown_again(client: Client, sent: list[str]) -> None:
    answer = client.post("/notifications/channels/add/", {"address": "json://10.0.0.1/AAHsecret"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This service is not available" in page and "AAHsecret" not in page
    assert sent == []


def test_there_is_an_end_to_channels(mara: User, client: Client, sent: list[str]) -> None:
    api.ensure_email_channel(user=mara)
    for number in range(api.MOST_CHANNELS - 1):
        api.add_channel(user=mara, name=f"c{number}", address=ADDRESS)
    page = client.post("/notifications/channels/add/", {"address": ADDRESS}).content.decode()
    assert "which is the most" in page
    assert "Add a channel" not in client.get("/notifications/settings/").content.decode()


def test_choices_are_kept_where_they_differ(mara: User, client: Client) -> None:
    client.get("/notifications/settings/")
    email = Channel.objects.get(user=mara)
    ticked = {f"{kind}:{way}": "on" for kind in Kind for way in ("page", email.uuid)}
    del ticked[f"drift:{email.uuid}"], ticked["sign_in:page"]
    client.post("/notifications/settings/", ticked)

    kept = {(p.kind, p.channel_id, p.wanted) for p in Preference.objects.all()}
    assert kept == {("drift", email.pk, False), ("copy_skipped", email.pk, True)}
    page = client.get("/notifications/settings/").content.decode()
    box = page.partition(f'name="drift:{email.uuid}"')[2].partition(">")[0]
    assert "checked" not in box
    locked = page.partition('name="sign_in:page"')[2].partition(">")[0]
    assert "checked" in locked and "disabled" in locked

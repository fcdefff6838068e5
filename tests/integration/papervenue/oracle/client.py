"""Runs in the oracle's environment: the official client signs in, trades and reconciles.

Arguments: host, port, client id, client secret, account, access token. What it saw is written
to standard output as JSON.
"""

from __future__ import annotations

import json
import sys

from ctrader_open_api import Client, Protobuf, TcpProtocol
from twisted.internet import defer, reactor

HOST, PORT, CLIENT_ID, SECRET, ACCOUNT, TOKEN = sys.argv[1:]
SEEN: dict[str, object] = {"events": []}


@defer.inlineCallbacks
def talk(client: Client):
    def ask(name: str, **fields: object):
        return client.send(Protobuf.get(name, **fields), responseTimeoutInSeconds=10)

    account = {"ctidTraderAccountId": int(ACCOUNT)}
    yield ask("ProtoOAApplicationAuthReq", clientId=CLIENT_ID, clientSecret=SECRET)
    listing = Protobuf.extract(
        (yield ask("ProtoOAGetAccountListByAccessTokenReq", accessToken=TOKEN))
    )
    SEEN["accounts"] = [found.ctidTraderAccountId for found in listing.ctidTraderAccount]
    yield ask("ProtoOAAccountAuthReq", accessToken=TOKEN, **account)
    trader = Protobuf.extract((yield ask("ProtoOATraderReq", **account)))
    SEEN["balance"] = trader.trader.balance
    symbols = Protobuf.extract((yield ask("ProtoOASymbolsListReq", **account)))
    symbol = next(found for found in symbols.symbol if found.symbolName == "EURUSD")
    order = {"symbolId": symbol.symbolId, "orderType": 1, "tradeSide": 1, "volume": 10_000_000}
    accepted = Protobuf.extract(
        (yield ask("ProtoOANewOrderReq", label="oracle", **order, **account))
    )
    SEEN["accepted"] = accepted.executionType
    book = Protobuf.extract((yield ask("ProtoOAReconcileReq", **account)))
    SEEN["positions"] = [
        [found.positionId, found.tradeData.volume, found.price, found.tradeData.label]
        for found in book.position
    ]
    position = book.position[0].positionId
    closing = ask("ProtoOAClosePositionReq", positionId=position, volume=10_000_000, **account)
    yield closing
    book = Protobuf.extract((yield ask("ProtoOAReconcileReq", **account)))
    SEEN["left"] = len(book.position)


def connected(client: Client) -> None:
    def finish(failure: object = None) -> None:
        if failure is not None:
            SEEN["failure"] = str(failure)
        reactor.stop()

    talk(client).addCallbacks(lambda _: finish(), finish)


def received(client: Client, message: object) -> None:
    content = Protobuf.extract(message)
    if content.DESCRIPTOR.name == "ProtoOAExecutionEvent":
        SEEN["events"].append(content.executionType)


def main() -> None:
    client = Client(HOST, int(PORT), TcpProtocol)
    client.setConnectedCallback(connected)
    client.setMessageReceivedCallback(received)
    client.startService()
    reactor.callLater(60, reactor.stop)
    reactor.run()
    json.dump(SEEN, sys.stdout)


if __name__ == "__main__":
    main()

"""Field numbers of the Open API messages that travel on their own.

The notation is that of :mod:`apps.openapi_wire.schema_models`; ``= NAME`` after a message names
its payload type, which is also the default of its field 1, ``payloadType``.
"""

MESSAGES = """
ProtoMessage
    1!payloadType:uint32 2?payload:bytes 3?clientMsgId:string
ProtoErrorRes = ERROR_RES
    2!errorCode:string 3?description:string 4?maintenanceEndTimestamp:uint64
ProtoHeartbeatEvent = HEARTBEAT_EVENT
ProtoOAApplicationAuthReq = PROTO_OA_APPLICATION_AUTH_REQ
    2!clientId:string 3!clientSecret:string
ProtoOAApplicationAuthRes = PROTO_OA_APPLICATION_AUTH_RES
ProtoOAAccountAuthReq = PROTO_OA_ACCOUNT_AUTH_REQ
    2!ctidTraderAccountId:int64 3!accessToken:string
ProtoOAAccountAuthRes = PROTO_OA_ACCOUNT_AUTH_RES
    2!ctidTraderAccountId:int64
ProtoOAErrorRes = PROTO_OA_ERROR_RES
    2?ctidTraderAccountId:int64 3!errorCode:string 4?description:string
    5?maintenanceEndTimestamp:int64 6?retryAfter:uint64
ProtoOAClientDisconnectEvent = PROTO_OA_CLIENT_DISCONNECT_EVENT
    2?reason:string
ProtoOAAccountsTokenInvalidatedEvent = PROTO_OA_ACCOUNTS_TOKEN_INVALIDATED_EVENT
    2*ctidTraderAccountIds:int64 3?reason:string
ProtoOAVersionReq = PROTO_OA_VERSION_REQ
ProtoOAVersionRes = PROTO_OA_VERSION_RES
    2!version:string
ProtoOANewOrderReq = PROTO_OA_NEW_ORDER_REQ
    2!ctidTraderAccountId:int64 3!symbolId:int64 4!orderType:ProtoOAOrderType
    5!tradeSide:ProtoOATradeSide 6!volume:int64 7?limitPrice:double 8?stopPrice:double
    9?timeInForce:ProtoOATimeInForce=GOOD_TILL_CANCEL 10?expirationTimestamp:int64
    11?stopLoss:double 12?takeProfit:double 13?comment:string 14?baseSlippagePrice:double
    15?slippageInPoints:int32 16?label:string 17?positionId:int64 18?clientOrderId:string
    19?relativeStopLoss:int64 20?relativeTakeProfit:int64 21?guaranteedStopLoss:bool
    22?trailingStopLoss:bool 23?stopTriggerMethod:ProtoOAOrderTriggerMethod=TRADE
ProtoOAExecutionEvent = PROTO_OA_EXECUTION_EVENT
    2!ctidTraderAccountId:int64 3!executionType:ProtoOAExecutionType 4?position:ProtoOAPosition
    5?order:ProtoOAOrder 6?deal:ProtoOADeal 7?bonusDepositWithdraw:ProtoOABonusDepositWithdraw
    8?depositWithdraw:ProtoOADepositWithdraw 9?errorCode:string 10?isServerEvent:bool
ProtoOACancelOrderReq = PROTO_OA_CANCEL_ORDER_REQ
    2!ctidTraderAccountId:int64 3!orderId:int64
ProtoOAAmendOrderReq = PROTO_OA_AMEND_ORDER_REQ
    2!ctidTraderAccountId:int64 3!orderId:int64 4?volume:int64 5?limitPrice:double
    6?stopPrice:double 7?expirationTimestamp:int64 8?stopLoss:double 9?takeProfit:double
    10?slippageInPoints:int32 11?relativeStopLoss:int64 12?relativeTakeProfit:int64
    13?guaranteedStopLoss:bool 14?trailingStopLoss:bool
    15?stopTriggerMethod:ProtoOAOrderTriggerMethod=TRADE
ProtoOAAmendPositionSLTPReq = PROTO_OA_AMEND_POSITION_SLTP_REQ
    2!ctidTraderAccountId:int64 3!positionId:int64 4?stopLoss:double 5?takeProfit:double
    7?guaranteedStopLoss:bool 8?trailingStopLoss:bool
    9?stopLossTriggerMethod:ProtoOAOrderTriggerMethod=TRADE
ProtoOAClosePositionReq = PROTO_OA_CLOSE_POSITION_REQ
    2!ctidTraderAccountId:int64 3!positionId:int64 4!volume:int64
ProtoOATrailingSLChangedEvent = PROTO_OA_TRAILING_SL_CHANGED_EVENT
    2!ctidTraderAccountId:int64 3!positionId:int64 4!orderId:int64 5!stopPrice:double
    6!utcLastUpdateTimestamp:int64
ProtoOAAssetListReq = PROTO_OA_ASSET_LIST_REQ
    2!ctidTraderAccountId:int64
ProtoOAAssetListRes = PROTO_OA_ASSET_LIST_RES
    2!ctidTraderAccountId:int64 3*asset:ProtoOAAsset
ProtoOASymbolsListReq = PROTO_OA_SYMBOLS_LIST_REQ
    2!ctidTraderAccountId:int64 3?includeArchivedSymbols:bool=false
ProtoOASymbolsListRes = PROTO_OA_SYMBOLS_LIST_RES
    2!ctidTraderAccountId:int64 3*symbol:ProtoOALightSymbol 4*archivedSymbol:ProtoOAArchivedSymbol
ProtoOASymbolByIdReq = PROTO_OA_SYMBOL_BY_ID_REQ
    2!ctidTraderAccountId:int64 3*symbolId:int64
ProtoOASymbolByIdRes = PROTO_OA_SYMBOL_BY_ID_RES
    2!ctidTraderAccountId:int64 3*symbol:ProtoOASymbol 4*archivedSymbol:ProtoOAArchivedSymbol
ProtoOASymbolsForConversionReq = PROTO_OA_SYMBOLS_FOR_CONVERSION_REQ
    2!ctidTraderAccountId:int64 3!firstAssetId:int64 4!lastAssetId:int64
ProtoOASymbolsForConversionRes = PROTO_OA_SYMBOLS_FOR_CONVERSION_RES
    2!ctidTraderAccountId:int64 3*symbol:ProtoOALightSymbol
ProtoOASymbolChangedEvent = PROTO_OA_SYMBOL_CHANGED_EVENT
    2!ctidTraderAccountId:int64 3*symbolId:int64
ProtoOATraderReq = PROTO_OA_TRADER_REQ
    2!ctidTraderAccountId:int64
ProtoOATraderRes = PROTO_OA_TRADER_RES
    2!ctidTraderAccountId:int64 3!trader:ProtoOATrader
ProtoOATraderUpdatedEvent = PROTO_OA_TRADER_UPDATE_EVENT
    2!ctidTraderAccountId:int64 3!trader:ProtoOATrader
ProtoOAReconcileReq = PROTO_OA_RECONCILE_REQ
    2!ctidTraderAccountId:int64 3?returnProtectionOrders:bool
ProtoOAReconcileRes = PROTO_OA_RECONCILE_RES
    2!ctidTraderAccountId:int64 3*position:ProtoOAPosition 4*order:ProtoOAOrder
ProtoOAOrderErrorEvent = PROTO_OA_ORDER_ERROR_EVENT
    5!ctidTraderAccountId:int64 2!errorCode:string 3?orderId:int64 6?positionId:int64
    7?description:string
ProtoOADealListReq = PROTO_OA_DEAL_LIST_REQ
    2!ctidTraderAccountId:int64 3?fromTimestamp:int64 4?toTimestamp:int64 5?maxRows:int32
ProtoOADealListRes = PROTO_OA_DEAL_LIST_RES
    2!ctidTraderAccountId:int64 3*deal:ProtoOADeal 4!hasMore:bool
ProtoOAOrderListReq = PROTO_OA_ORDER_LIST_REQ
    2!ctidTraderAccountId:int64 3?fromTimestamp:int64 4?toTimestamp:int64
ProtoOAOrderListRes = PROTO_OA_ORDER_LIST_RES
    2!ctidTraderAccountId:int64 3*order:ProtoOAOrder 4!hasMore:bool
ProtoOAExpectedMarginReq = PROTO_OA_EXPECTED_MARGIN_REQ
    2!ctidTraderAccountId:int64 3!symbolId:int64 4*volume:int64
ProtoOAExpectedMarginRes = PROTO_OA_EXPECTED_MARGIN_RES
    2!ctidTraderAccountId:int64 3*margin:ProtoOAExpectedMargin 4?moneyDigits:uint32
ProtoOAMarginChangedEvent = PROTO_OA_MARGIN_CHANGED_EVENT
    2!ctidTraderAccountId:int64 3!positionId:uint64 4!usedMargin:uint64 5?moneyDigits:uint32
ProtoOACashFlowHistoryListReq = PROTO_OA_CASH_FLOW_HISTORY_LIST_REQ
    2!ctidTraderAccountId:int64 3?fromTimestamp:int64 4?toTimestamp:int64
ProtoOACashFlowHistoryListRes = PROTO_OA_CASH_FLOW_HISTORY_LIST_RES
    2!ctidTraderAccountId:int64 3*depositWithdraw:ProtoOADepositWithdraw
ProtoOAGetAccountListByAccessTokenReq = PROTO_OA_GET_ACCOUNTS_BY_ACCESS_TOKEN_REQ
    2!accessToken:string
ProtoOAGetAccountListByAccessTokenRes = PROTO_OA_GET_ACCOUNTS_BY_ACCESS_TOKEN_RES
    2!accessToken:string 3?permissionScope:ProtoOAClientPermissionScope
    4*ctidTraderAccount:ProtoOACtidTraderAccount
ProtoOARefreshTokenReq = PROTO_OA_REFRESH_TOKEN_REQ
    2!refreshToken:string
ProtoOARefreshTokenRes = PROTO_OA_REFRESH_TOKEN_RES
    2!accessToken:string 3!tokenType:string 4!expiresIn:int64 5!refreshToken:string
ProtoOASubscribeSpotsReq = PROTO_OA_SUBSCRIBE_SPOTS_REQ
    2!ctidTraderAccountId:int64 3*symbolId:int64 4?subscribeToSpotTimestamp:bool
ProtoOASubscribeSpotsRes = PROTO_OA_SUBSCRIBE_SPOTS_RES
    2!ctidTraderAccountId:int64
ProtoOAUnsubscribeSpotsReq = PROTO_OA_UNSUBSCRIBE_SPOTS_REQ
    2!ctidTraderAccountId:int64 3*symbolId:int64
ProtoOAUnsubscribeSpotsRes = PROTO_OA_UNSUBSCRIBE_SPOTS_RES
    2!ctidTraderAccountId:int64
ProtoOASpotEvent = PROTO_OA_SPOT_EVENT
    2!ctidTraderAccountId:int64 3!symbolId:int64 4?bid:uint64 5?ask:uint64
    6*trendbar:ProtoOATrendbar 7?sessionClose:uint64 8?timestamp:int64
ProtoOAGetCtidProfileByTokenReq = PROTO_OA_GET_CTID_PROFILE_BY_TOKEN_REQ
    2!accessToken:string
ProtoOAGetCtidProfileByTokenRes = PROTO_OA_GET_CTID_PROFILE_BY_TOKEN_RES
    2!profile:ProtoOACtidProfile
ProtoOAAccountLogoutReq = PROTO_OA_ACCOUNT_LOGOUT_REQ
    2!ctidTraderAccountId:int64
ProtoOAAccountLogoutRes = PROTO_OA_ACCOUNT_LOGOUT_RES
    2!ctidTraderAccountId:int64
ProtoOAAccountDisconnectEvent = PROTO_OA_ACCOUNT_DISCONNECT_EVENT
    2!ctidTraderAccountId:int64
ProtoOADealListByPositionIdReq = PROTO_OA_DEAL_LIST_BY_POSITION_ID_REQ
    2!ctidTraderAccountId:int64 3!positionId:int64 4?fromTimestamp:int64 5?toTimestamp:int64
ProtoOADealListByPositionIdRes = PROTO_OA_DEAL_LIST_BY_POSITION_ID_RES
    2!ctidTraderAccountId:int64 3*deal:ProtoOADeal 4!hasMore:bool
ProtoOAGetPositionUnrealizedPnLReq = PROTO_OA_GET_POSITION_UNREALIZED_PNL_REQ
    2!ctidTraderAccountId:int64
ProtoOAGetPositionUnrealizedPnLRes = PROTO_OA_GET_POSITION_UNREALIZED_PNL_RES
    2!ctidTraderAccountId:int64 3*positionUnrealizedPnL:ProtoOAPositionUnrealizedPnL
    4!moneyDigits:uint32
ProtoOAOrderDetailsReq = PROTO_OA_ORDER_DETAILS_REQ
    2!ctidTraderAccountId:int64 3!orderId:int64
ProtoOAOrderDetailsRes = PROTO_OA_ORDER_DETAILS_RES
    2!ctidTraderAccountId:int64 3!order:ProtoOAOrder 4*deal:ProtoOADeal
ProtoOAOrderListByPositionIdReq = PROTO_OA_ORDER_LIST_BY_POSITION_ID_REQ
    2!ctidTraderAccountId:int64 3!positionId:int64 4?fromTimestamp:int64 5?toTimestamp:int64
ProtoOAOrderListByPositionIdRes = PROTO_OA_ORDER_LIST_BY_POSITION_ID_RES
    2!ctidTraderAccountId:int64 3*order:ProtoOAOrder 4!hasMore:bool
"""

"""Field numbers of the parts that Open API messages are made of.

One message per unindented line, its fields indented below as ``number mark name:type=default``
with the marks ``!`` required, ``?`` optional and ``*`` repeated.
"""

MODELS = """
ProtoOAAsset
    1!assetId:int64 2!name:string 3?displayName:string 4?digits:int32
ProtoOASymbol
    1!symbolId:int64 2!digits:int32 3!pipPosition:int32 4?enableShortSelling:bool
    5?guaranteedStopLoss:bool 6?swapRollover3Days:ProtoOADayOfWeek=MONDAY 7?swapLong:double
    8?swapShort:double 9?maxVolume:int64 10?minVolume:int64 11?stepVolume:int64
    12?maxExposure:uint64 13*schedule:ProtoOAInterval 14?commission:int64
    15?commissionType:ProtoOACommissionType=USD_PER_MILLION_USD 16?slDistance:uint32
    17?tpDistance:uint32 18?gslDistance:uint32 19?gslCharge:int64
    20?distanceSetIn:ProtoOASymbolDistanceType=SYMBOL_DISTANCE_IN_POINTS 21?minCommission:int64
    22?minCommissionType:ProtoOAMinCommissionType=CURRENCY 23?minCommissionAsset:string=USD
    24?rolloverCommission:int64 25?skipRolloverDays:int32 26?scheduleTimeZone:string
    27?tradingMode:ProtoOATradingMode=ENABLED 28?rolloverCommission3Days:ProtoOADayOfWeek=MONDAY
    29?swapCalculationType:ProtoOASwapCalculationType=PIPS 30?lotSize:int64
    31?preciseTradingCommissionRate:int64 32?preciseMinCommission:int64 33*holiday:ProtoOAHoliday
    34?pnlConversionFeeRate:int32 35?leverageId:int64 36?swapPeriod:int32 37?swapTime:int32
    38?skipSWAPPeriods:int32 39?chargeSwapAtWeekends:bool
ProtoOALightSymbol
    1!symbolId:int64 2?symbolName:string 3?enabled:bool 4?baseAssetId:int64 5?quoteAssetId:int64
    6?symbolCategoryId:int64 7?description:string
ProtoOAArchivedSymbol
    1!symbolId:int64 2!name:string 3!utcLastUpdateTimestamp:int64 4?description:string
ProtoOAInterval
    3!startSecond:uint32 4!endSecond:uint32
ProtoOATrader
    1!ctidTraderAccountId:int64 2!balance:int64 3?balanceVersion:int64 4?managerBonus:int64
    5?ibBonus:int64 6?nonWithdrawableBonus:int64 7?accessRights:ProtoOAAccessRights=FULL_ACCESS
    8!depositAssetId:int64 9?swapFree:bool 10?leverageInCents:uint32
    11?totalMarginCalculationType:ProtoOATotalMarginCalculationType 12?maxLeverage:uint32
    13?frenchRisk:bool 14?traderLogin:int64 15?accountType:ProtoOAAccountType=HEDGED
    16?brokerName:string 17?registrationTimestamp:int64 18?isLimitedRisk:bool
    19?limitedRiskMarginCalculationStrategy:ProtoOALimitedRiskMarginCalculationStrategy=ACCORDING_TO_LEVERAGE
    20?moneyDigits:uint32
ProtoOAPosition
    1!positionId:int64 2!tradeData:ProtoOATradeData 3!positionStatus:ProtoOAPositionStatus
    4!swap:int64 5?price:double 6?stopLoss:double 7?takeProfit:double 8?utcLastUpdateTimestamp:int64
    9?commission:int64 10?marginRate:double 11?mirroringCommission:int64 12?guaranteedStopLoss:bool
    13?usedMargin:uint64 14?stopLossTriggerMethod:ProtoOAOrderTriggerMethod=TRADE
    15?moneyDigits:uint32 16?trailingStopLoss:bool
ProtoOATradeData
    1!symbolId:int64 2!volume:int64 3!tradeSide:ProtoOATradeSide 4?openTimestamp:int64
    5?label:string 6?guaranteedStopLoss:bool 7?comment:string
ProtoOAOrder
    1!orderId:int64 2!tradeData:ProtoOATradeData 3!orderType:ProtoOAOrderType
    4!orderStatus:ProtoOAOrderStatus 6?expirationTimestamp:int64 7?executionPrice:double
    8?executedVolume:int64 9?utcLastUpdateTimestamp:int64 10?baseSlippagePrice:double
    11?slippageInPoints:int64 12?closingOrder:bool 13?limitPrice:double 14?stopPrice:double
    15?stopLoss:double 16?takeProfit:double 17?clientOrderId:string
    18?timeInForce:ProtoOATimeInForce=IMMEDIATE_OR_CANCEL 19?positionId:int64
    20?relativeStopLoss:int64 21?relativeTakeProfit:int64 22?isStopOut:bool 23?trailingStopLoss:bool
    24?stopTriggerMethod:ProtoOAOrderTriggerMethod=TRADE
ProtoOABonusDepositWithdraw
    1!operationType:ProtoOAChangeBonusType 2!bonusHistoryId:int64 3!managerBonus:int64
    4!managerDelta:int64 5!ibBonus:int64 6!ibDelta:int64 7!changeBonusTimestamp:int64
    8?externalNote:string 9?introducingBrokerId:int64 10?moneyDigits:uint32
ProtoOADepositWithdraw
    1!operationType:ProtoOAChangeBalanceType 2!balanceHistoryId:int64 3!balance:int64 4!delta:int64
    5!changeBalanceTimestamp:int64 6?externalNote:string 7?balanceVersion:int64 8?equity:int64
    9?moneyDigits:uint32
ProtoOADeal
    1!dealId:int64 2!orderId:int64 3!positionId:int64 4!volume:int64 5!filledVolume:int64
    6!symbolId:int64 7!createTimestamp:int64 8!executionTimestamp:int64
    9?utcLastUpdateTimestamp:int64 10?executionPrice:double 11!tradeSide:ProtoOATradeSide
    12!dealStatus:ProtoOADealStatus 13?marginRate:double 14?commission:int64
    15?baseToUsdConversionRate:double 16?closePositionDetail:ProtoOAClosePositionDetail
    17?moneyDigits:uint32
ProtoOAClosePositionDetail
    1!entryPrice:double 2!grossProfit:int64 3!swap:int64 4!commission:int64 5!balance:int64
    6?quoteToDepositConversionRate:double 7?closedVolume:int64 8?balanceVersion:int64
    9?moneyDigits:uint32 10?pnlConversionFee:int64
ProtoOATrendbar
    3!volume:int64 4?period:ProtoOATrendbarPeriod=M1 5?low:int64 6?deltaOpen:uint64
    7?deltaClose:uint64 8?deltaHigh:uint64 9?utcTimestampInMinutes:uint32
ProtoOAExpectedMargin
    1!volume:int64 2!buyMargin:int64 3!sellMargin:int64
ProtoOACtidProfile
    1!userId:int64
ProtoOACtidTraderAccount
    1!ctidTraderAccountId:uint64 2?isLive:bool 3?traderLogin:int64 4?lastClosingDealTimestamp:int64
    5?lastBalanceUpdateTimestamp:int64 6?brokerTitleShort:string
ProtoOAHoliday
    1!holidayId:int64 2!name:string 3?description:string 4!scheduleTimeZone:string
    5!holidayDate:int64 6!isRecurring:bool 7?startSecond:int32 8?endSecond:int32
ProtoOAPositionUnrealizedPnL
    1!positionId:int64 2!grossUnrealizedPnL:int64 3!netUnrealizedPnL:int64
"""

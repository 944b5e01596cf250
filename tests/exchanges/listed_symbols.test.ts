import assert from "node:assert/strict";
import { readInstrumentList } from "../../src/normalize/mod.ts";
import { loadInstance, SHIPPED } from "./shipped.ts";

/** Answers of instrument lists as the exchanges document them, in the order of the lists, and what they have to give. */
const ANSWERS: Readonly<Record<string, { answers: readonly unknown[]; gives: Readonly<Record<string, string>> }>> = {
  deribit: {
    answers: [
      {
        result: [
          future({ instrument_name: "BTC-PERPETUAL", settlement_period: "perpetual" }),
          future({ instrument_name: "BTC-5JUN26", settlement_period: "week" }),
          future({ instrument_name: "BTC-26DEC25", settlement_period: "month", settlement_currency: undefined }),
          future({
            instrument_name: "LINK_USDC-PERPETUAL",
            settlement_period: "perpetual",
            base_currency: "LINK",
            quote_currency: "USDC",
            settlement_currency: "USDC",
          }),
          future({ instrument_name: "BTC-FS-30SEP22_PERP", kind: "future_combo" }),
          future({ instrument_name: "BTC-30SEP22", is_active: false }),
        ],
      },
      {
        result: [
          { instrument_name: "BTC_USDC", kind: "spot", base_currency: "BTC", quote_currency: "USDC", is_active: true },
        ],
      },
      {
        result: [
          option({ instrument_name: "BTC-5JUN26-100000-C", strike: 100000.5 }),
          option({
            instrument_name: "MATIC_USDC-9MAR26-1d02-P",
            strike: 1.02,
            base_currency: "MATIC",
            quote_currency: "USDC",
            counter_currency: "USDC",
            settlement_currency: "USDC",
          }),
          option({ instrument_name: "BTC-5JUN26-90000-C", is_active: false }),
        ],
      },
    ],
    gives: {
      "BTC/USD:BTC": "BTC-PERPETUAL",
      "BTC/USD:BTC-260605": "BTC-5JUN26",
      "BTC/USD:BTC-251226": "BTC-26DEC25",
      "LINK/USDC:USDC": "LINK_USDC-PERPETUAL",
      "BTC/USDC": "BTC_USDC",
      "BTC/USD:BTC-260605-100000.5-C": "BTC-5JUN26-100000-C",
      "MATIC/USDC:USDC-260309-1.02-P": "MATIC_USDC-9MAR26-1d02-P",
    },
  },
  phemex: {
    answers: [phemexProducts(), phemexProducts(), phemexProducts()],
    gives: { "BTC/USDT:USDT": "BTCUSDT", "ETH/USD:ETH": "cETHUSD", "BTC/USDT": "sBTCUSDT" },
  },
  "okx-options": {
    answers: [
      {
        data: [
          okxOption("BTC-USD-241217-92000-C", { stk: "92000" }),
          okxOption("BTC-USD-241217-1.5-P", { stk: "1.5", optType: "P", state: "suspend" }),
        ],
      },
      {
        data: [okxOption("ETH-USD_UM-241217-4000-P", { uly: "ETH-USD", settleCcy: "USDC", stk: "4000", optType: "P" })],
      },
    ],
    gives: {
      "BTC/USD:BTC-241217-92000-C": "BTC-USD-241217-92000-C",
      "ETH/USD:USDC-241217-4000-P": "ETH-USD_UM-241217-4000-P",
    },
  },
  "okx-spreads": {
    answers: [{ data: [{ sprdId: "BTC-USDT_BTC-USDT-SWAP", state: "live", szCcy: "BTC" }] }],
    gives: { "BTC-USDT_BTC-USDT-SWAP": "BTC-USDT_BTC-USDT-SWAP" },
  },
  "bybit-options": {
    answers: [
      bybitOptions([["BTC-27MAR26-70000-P-USDT", "USDT", "Trading"], ["BTC-30JUN25-100000-C", "USDC", "Delivering"]]),
      bybitOptions([["ETH-6JUN26-4000-C", "USDC", "Trading"]]),
      bybitOptions([]),
    ],
    gives: {
      "BTC/USDT:USDT-260327-70000-P": "BTC-27MAR26-70000-P-USDT",
      "ETH/USDC:USDC-260606-4000-C": "ETH-6JUN26-4000-C",
    },
  },
  "binance-options": {
    answers: [{
      optionSymbols: [
        { symbol: "BTC-251219-89000-C", underlying: "BTCUSDT", quoteAsset: "USDT", status: "TRADING", unit: 1 },
        { symbol: "XRP-251219-2.05-P", underlying: "XRPUSDT", quoteAsset: "USDT", status: "TRADING", unit: 100 },
        { symbol: "BTC-251219-90000-C", underlying: "BTCUSDT", quoteAsset: "USDT", status: "SETTLING", unit: 1 },
      ],
    }],
    gives: {
      "BTC/USDT:USDT-251219-89000-C": "BTC-251219-89000-C",
      "XRP/USDT:USDT-251219-2.05-P": "XRP-251219-2.05-P",
    },
  },
  luno: {
    answers: [{
      markets: [
        { market_id: "XBTZAR", trading_status: "ACTIVE", base_currency: "XBT", counter_currency: "ZAR" },
        { market_id: "ETHXBT", trading_status: "POSTONLY", base_currency: "ETH", counter_currency: "XBT" },
        { market_id: "OLDZAR", trading_status: "SUSPENDED", base_currency: "OLD", counter_currency: "ZAR" },
      ],
    }],
    gives: { "BTC/ZAR": "XBTZAR", "ETH/BTC": "ETHXBT" },
  },
  bitso: {
    answers: [{ success: true, payload: [{ book: "btc_mxn", tick_size: "10", minimum_amount: "0.00003" }] }],
    gives: { "BTC/MXN": "btc_mxn" },
  },
  "okx-eea": {
    answers: [{
      code: "0",
      data: [
        { instType: "SPOT", instId: "BTC-EUR", baseCcy: "BTC", quoteCcy: "EUR", state: "live" },
        { instType: "SPOT", instId: "OLD-EUR", baseCcy: "OLD", quoteCcy: "EUR", state: "suspend" },
      ],
    }],
    gives: { "BTC/EUR": "BTC-EUR" },
  },
  btcturk: {
    answers: [{
      data: {
        symbols: [
          { name: "BTCTRY", nameNormalized: "BTC_TRY", status: "TRADING", numerator: "BTC", denominator: "TRY" },
          { name: "OLDTRY", nameNormalized: "OLD_TRY", status: "HALT", numerator: "OLD", denominator: "TRY" },
        ],
      },
    }],
    gives: { "BTC/TRY": "BTCTRY" },
  },
  coinone: {
    answers: [{
      result: "success",
      markets: [
        { quote_currency: "KRW", target_currency: "BTC", trade_status: 1, maintenance_status: 0 },
        { quote_currency: "KRW", target_currency: "OLD", trade_status: 0, maintenance_status: 0 },
        { quote_currency: "krw", target_currency: "eth", trade_status: 1, maintenance_status: 0 },
      ],
    }],
    gives: { "BTC/KRW": "BTC", "ETH/KRW": "ETH" },
  },
  "mercado-bitcoin": {
    answers: [{ symbol: ["BTC-BRL", "USDT-BRL"], "base-currency": ["BTC", "USDT"], currency: ["BRL", "BRL"] }],
    gives: { "BTC/BRL": "BRLBTC", "USDT/BRL": "BRLUSDT" },
  },
  xt: {
    answers: [
      {
        result: {
          symbols: [
            { symbol: "btc_usdt", state: "ONLINE", tradingEnabled: true, baseCurrency: "btc", quoteCurrency: "usdt" },
            { symbol: "old_usdt", state: "OFFLINE", tradingEnabled: true, baseCurrency: "old", quoteCurrency: "usdt" },
          ],
        },
      },
      {
        result: {
          symbols: [
            {
              symbol: "btc_usdt",
              contractType: "PERPETUAL",
              underlyingType: "U_BASED",
              state: 0,
              baseCoin: "btc",
              quoteCoin: "usdt",
            },
            { symbol: "x_usdt", contractType: "PREDICT", state: 0, baseCoin: "x", quoteCoin: "usdt" },
          ],
        },
      },
      {
        result: {
          symbols: [{
            symbol: "btc_usd",
            contractType: "PERPETUAL",
            underlyingType: "COIN_BASED",
            state: 0,
            baseCoin: "btc",
            quoteCoin: "usd",
          }],
        },
      },
    ],
    gives: { "BTC/USDT": "btc_usdt", "BTC/USDT:USDT": "btc_usdt", "BTC/USD:BTC": "btc_usd" },
  },
  pionex: {
    answers: [
      {
        data: {
          symbols: [
            { symbol: "BTC_USDT", type: "SPOT", baseCurrency: "BTC", quoteCurrency: "USDT", enable: true },
            { symbol: "OLD_USDT", type: "SPOT", baseCurrency: "OLD", quoteCurrency: "USDT", enable: false },
          ],
        },
      },
      {
        data: {
          symbols: [
            { symbol: "BTC_USDT_PERP", type: "PERP", baseCurrency: "BTC", quoteCurrency: "USDT", status: "TRADING" },
            { symbol: "USDT_BTC_PERP", type: "PERP", baseCurrency: "USDT", quoteCurrency: "BTC", status: "TRADING" },
          ],
        },
      },
    ],
    gives: { "BTC/USDT": "BTC_USDT", "BTC/USDT:USDT": "BTC_USDT_PERP" },
  },
  bitbank: {
    answers: [{
      success: 1,
      data: {
        pairs: [
          { name: "btc_jpy", base_asset: "btc", quote_asset: "jpy", is_enabled: true, stop_order: false },
          { name: "old_jpy", base_asset: "old", quote_asset: "jpy", is_enabled: true, stop_order: true },
        ],
      },
    }],
    gives: { "BTC/JPY": "btc_jpy" },
  },
  bithumb: {
    answers: [[{ market: "KRW-BTC", korean_name: "비트코인", english_name: "Bitcoin", market_warning: "NONE" }]],
    gives: { "BTC/KRW": "KRW-BTC" },
  },
  whitebit: {
    answers: [[
      { name: "BTC_USDT", stock: "BTC", money: "USDT", tradesEnabled: true, type: "spot" },
      { name: "BTC_PERP", stock: "BTC", money: "USDT", tradesEnabled: true, type: "futures" },
      { name: "OLD_USDT", stock: "OLD", money: "USDT", tradesEnabled: false, type: "spot" },
    ]],
    gives: { "BTC/USDT": "BTC_USDT", "BTC/USDT:USDT": "BTC_PERP" },
  },
  bitvavo: {
    answers: [[
      { market: "BTC-EUR", status: "trading", base: "BTC", quote: "EUR", tickSize: "1.00" },
      { market: "OLD-EUR", status: "halted", base: "OLD", quote: "EUR", tickSize: "1.00" },
    ]],
    gives: { "BTC/EUR": "BTC-EUR" },
  },
  coincheck: {
    answers: [{
      exchange_status: [
        { pair: "btc_jpy", status: "available", timestamp: 1_790_138_000 },
        { pair: "old_jpy", status: "stop", timestamp: 1_790_138_000 },
      ],
    }],
    gives: { "BTC/JPY": "btc_jpy" },
  },
  bittrade: {
    answers: [{
      status: "ok",
      data: [
        { "base-currency": "btc", "quote-currency": "jpy", symbol: "btcjpy", state: "online" },
        { "base-currency": "old", "quote-currency": "jpy", symbol: "oldjpy", state: "offline" },
      ],
    }],
    gives: { "BTC/JPY": "btcjpy" },
  },
  hitbtc: {
    answers: [{
      BTCUSDT: { type: "spot", base_currency: "BTC", quote_currency: "USDT", status: "working" },
      BTCUSDT_PERP: {
        type: "futures",
        base_currency: null,
        underlying: "BTC",
        quote_currency: "USDT",
        status: "working",
      },
      OLDUSDT: { type: "spot", base_currency: "OLD", quote_currency: "USDT", status: "suspended" },
      BTCUSDT_BQX: { type: "spot", base_currency: "BTC", quote_currency: "USDT", status: "working" },
    }],
    gives: { "BTC/USDT": "BTCUSDT", "BTC/USDT:USDT": "BTCUSDT_PERP" },
  },
  poloniex: {
    answers: [
      [
        { symbol: "BTC_USDT", baseCurrencyName: "BTC", quoteCurrencyName: "USDT", state: "NORMAL" },
        { symbol: "OLD_USDT", baseCurrencyName: "OLD", quoteCurrencyName: "USDT", state: "PAUSE" },
      ],
      {
        code: 200,
        data: [{
          symbol: "BTC_USDT_PERP",
          bCcy: "BTC",
          qCcy: "USDT",
          sCcy: "USDT",
          status: "OPEN",
          ctType: "LINEAR",
          ctVal: "0.001",
        }],
      },
    ],
    gives: { "BTC/USDT": "BTC_USDT", "BTC/USDT:USDT": "BTC_USDT_PERP" },
  },
  htx: {
    answers: [{
      status: "ok",
      data: [
        { "base-currency": "btc", "quote-currency": "usdt", symbol: "btcusdt", state: "online" },
        { "base-currency": "old", "quote-currency": "usdt", symbol: "oldusdt", state: "offline" },
      ],
    }],
    gives: { "BTC/USDT": "btcusdt" },
  },
  "htx-coin": {
    answers: [{
      status: "ok",
      data: [
        { symbol: "BTC", contract_code: "BTC-USD", contract_size: 100, contract_status: 1 },
        { symbol: "LUNA", contract_code: "LUNA-USD", contract_size: 10, contract_status: 3 },
      ],
    }],
    gives: { "BTC/USD:BTC": "BTC-USD" },
  },
  "htx-linear": {
    answers: [{
      status: "ok",
      data: [
        { symbol: "BTC", contract_code: "BTC-USDT", contract_size: 0.001, contract_status: 1, business_type: "swap" },
        { symbol: "BTC", contract_code: "BTC-USDT-260925", contract_status: 1, business_type: "futures" },
        { symbol: "OLD", contract_code: "OLD-USDT", contract_status: 0, business_type: "swap" },
      ],
    }],
    gives: { "BTC/USDT:USDT": "BTC-USDT", "BTC/USDT:USDT-260925": "BTC-USDT-260925" },
  },
  cryptocom: {
    answers: [{
      code: 0,
      result: {
        data: [
          { symbol: "BTC_USDT", inst_type: "CCY_PAIR", base_ccy: "BTC", quote_ccy: "USDT", tradable: true },
          { symbol: "BTCUSD-PERP", inst_type: "PERPETUAL_SWAP", base_ccy: "BTC", quote_ccy: "USD", tradable: true },
          { symbol: "BTCUSD-261225", inst_type: "FUTURE", base_ccy: "BTC", quote_ccy: "USD", tradable: true },
          { symbol: "BTCUSD-260925", inst_type: "FUTURE", base_ccy: "BTC", quote_ccy: "USD", tradable: false },
        ],
      },
    }],
    gives: { "BTC/USDT": "BTC_USDT", "BTC/USD:USD": "BTCUSD-PERP", "BTC/USD:USD-261225": "BTCUSD-261225" },
  },
  gemini: {
    answers: [[
      "btcusd",
      "ethbtc",
      "gusdusd",
      "btcusdt",
      "xrpgusd",
      "btcrlusd",
      "rlusdusd",
      "btcgusdperp",
      "btcusdcperp",
      "unknown",
    ]],
    gives: {
      "BTC/USD": "btcusd",
      "ETH/BTC": "ethbtc",
      "GUSD/USD": "gusdusd",
      "BTC/USDT": "btcusdt",
      "XRP/GUSD": "xrpgusd",
      "BTC/RLUSD": "btcrlusd",
      "RLUSD/USD": "rlusdusd",
      "BTC/GUSD:GUSD": "btcgusdperp",
      "BTC/USDC:USDC": "btcusdcperp",
    },
  },
  bitflyer: {
    answers: [[
      { product_code: "BTC_JPY", market_type: "Spot" },
      { product_code: "FX_BTC_JPY", market_type: "FX" },
      { product_code: "BTCJPY24DEC2021", alias: "BTCJPY_MAT3M", market_type: "Futures" },
    ]],
    gives: { "BTC/JPY": "BTC_JPY", "BTC/JPY:JPY": "FX_BTC_JPY", "BTC/JPY:JPY-211224": "BTCJPY24DEC2021" },
  },
  gateio: {
    answers: [
      [
        { id: "BTC_USDT", base: "BTC", quote: "USDT", trade_status: "tradable" },
        { id: "OLD_USDT", base: "OLD", quote: "USDT", trade_status: "untradable" },
      ],
      [{ name: "BTC_USDT", in_delisting: false }, { name: "OLD_USDT", in_delisting: true }],
      [{ name: "BTC_USD1", in_delisting: false }],
      [{ name: "BTC_USD", in_delisting: false, quanto_multiplier: "0" }],
      [{ name: "BTC_USDT_20260925", in_delisting: false, expire_time: 1790323200 }],
    ],
    gives: {
      "BTC/USDT": "BTC_USDT",
      "BTC/USDT:USDT": "BTC_USDT",
      "BTC/USD1:USD1": "BTC_USD1",
      "BTC/USDT:USDT-260925": "BTC_USDT_20260925",
      "BTC/USD:BTC": "BTC_USD",
    },
  },
  bitget: {
    answers: [
      {
        code: "00000",
        data: [
          { symbol: "BTCUSDT", baseCoin: "BTC", quoteCoin: "USDT", status: "online" },
          { symbol: "OLDUSDT", baseCoin: "OLD", quoteCoin: "USDT", status: "halt" },
        ],
      },
      { code: "00000", data: [{ symbol: "BTCUSDT", baseCoin: "BTC", quoteCoin: "USDT", symbolStatus: "normal" }] },
      { code: "00000", data: [{ symbol: "BTCPERP", baseCoin: "BTC", quoteCoin: "USDC", symbolStatus: "normal" }] },
      {
        code: "00000",
        data: [
          { symbol: "BTCUSD", baseCoin: "BTC", quoteCoin: "USD", symbolStatus: "normal" },
          { symbol: "BTCUSDZ26", baseCoin: "BTC", quoteCoin: "USD", symbolStatus: "normal" },
        ],
      },
    ],
    gives: {
      "BTC/USDT": "BTCUSDT",
      "BTC/USDT:USDT": "BTCUSDT",
      "BTC/USDC:USDC": "BTCPERP",
      "BTC/USD:BTC": "BTCUSD_CM",
    },
  },
  "htx-futures": {
    answers: [{
      status: "ok",
      data: [
        { contract_code: "BTC260925", symbol: "BTC", delivery_date: "20260925", contract_status: 1 },
        { contract_code: "ETH260925", symbol: "ETH", delivery_date: "20260925", contract_status: 5 },
      ],
    }],
    gives: { "BTC/USD:BTC-260925": "BTC260925" },
  },
  "kucoin-futures": {
    answers: [{
      code: "200000",
      data: [
        {
          symbol: "XBTUSDTM",
          baseCurrency: "XBT",
          quoteCurrency: "USDT",
          settleCurrency: "USDT",
          type: "FFWCSX",
          status: "Open",
        },
        {
          symbol: "XBTUSDM",
          baseCurrency: "XBT",
          quoteCurrency: "USD",
          settleCurrency: "XBT",
          type: "FFWCSX",
          status: "Open",
        },
        {
          symbol: "ETHUSDTM",
          baseCurrency: "ETH",
          quoteCurrency: "USDT",
          settleCurrency: "USDT",
          type: "FFWCSX",
          status: "Paused",
        },
        {
          symbol: "XBTMZ26",
          baseCurrency: "XBT",
          quoteCurrency: "USD",
          settleCurrency: "XBT",
          type: "FFICSX",
          status: "Open",
          expireDate: 1798185600000,
        },
      ],
    }],
    gives: { "BTC/USDT:USDT": "XBTUSDTM", "BTC/USD:BTC": "XBTUSDM", "BTC/USD:BTC-261225": "XBTMZ26" },
  },
  bybit: {
    answers: [
      bybitList([["BTCUSDT", undefined, "0"]]),
      bybitList([
        ["BTCUSDT", "LinearPerpetual", "0", "USDT"],
        ["BTCUSDT-25DEC26", "LinearFutures", "1798185600000", "USDT"],
      ]),
      bybitList([["BTCUSD", "InversePerpetual", "0", "BTC"], ["BTCUSDZ26", "InverseFutures", "1798185600000", "BTC"]]),
    ],
    gives: {
      "BTC/USDT": "BTCUSDT",
      "BTC/USDT:USDT": "BTCUSDT",
      "BTC/USDT:USDT-261225": "BTCUSDT-25DEC26",
      "BTC/USD:BTC": "BTCUSD",
      "BTC/USD:BTC-261225": "BTCUSDZ26",
    },
  },
  "coinbase-advanced": {
    answers: [{
      products: [
        {
          product_id: "BTC-USD",
          base_currency_id: "BTC",
          quote_currency_id: "USD",
          product_type: "SPOT",
          status: "online",
        },
        {
          product_id: "BTC-PERP-INTX",
          base_currency_id: "",
          quote_currency_id: "USDC",
          product_type: "FUTURE",
          status: "online",
        },
      ],
    }],
    gives: { "BTC/USD": "BTC-USD" },
  },
  bitfinex: {
    answers: [
      [["AVAX:USD", "BCHABC:USD", "BTCUSD", "BTCUST", "BTC:CNHT", "IOTETH", "TESTBTC:TESTUSD", "DUSK:UDC"]],
      [["BTCF0:USTF0", "ETHF0:BTCF0", "IOTF0:USTF0", "EUROPE50IXF0:USTF0", "TESTBTCF0:TESTUSDTF0"]],
    ],
    gives: {
      "AVAX/USD": "AVAX:USD",
      "BCHABC/USD": "BCHABC:USD",
      "BTC/USD": "BTCUSD",
      "BTC/USDT": "BTCUST",
      "BTC/CNHT": "BTC:CNHT",
      "IOTA/ETH": "IOTETH",
      "DUSK/USDC": "DUSK:UDC",
      "BTC/USDT:USDT": "BTCF0:USTF0",
      "ETH/BTC:BTC": "ETHF0:BTCF0",
      "IOTA/USDT:USDT": "IOTF0:USTF0",
      "EUROPE50IX/USDT:USDT": "EUROPE50IXF0:USTF0",
    },
  },
  bitmex: {
    answers: [
      bitmexInstruments(),
      bitmexInstruments(),
      bitmexInstruments(),
    ],
    gives: {
      "BTC/USD:BTC": "XBTUSD",
      "ETH/USD:BTC": "ETHUSD",
      "BTC/USDT:USDT": "XBTUSDT",
      "BTC/USD:BTC-261225": "XBTZ26",
      "XRP/BTC:BTC-261225": "XRPZ26",
      "BTC/USDT": "XBT_USDT",
    },
  },
  upbit: {
    answers: [[{ market: "KRW-BTC", english_name: "Bitcoin" }, { market: "BTC-ETH" }, { market: "USDT-BTC" }]],
    gives: { "BTC/KRW": "KRW-BTC", "ETH/BTC": "BTC-ETH", "BTC/USDT": "USDT-BTC" },
  },
  mexc: {
    answers: [{
      success: true,
      code: 0,
      data: [
        { symbol: "BTC_USDT", baseCoin: "BTC", quoteCoin: "USDT", settleCoin: "USDT", contractSize: 0.0001, state: 0 },
        { symbol: "BTC_USD", baseCoin: "BTC", quoteCoin: "USD", settleCoin: "BTC", contractSize: 100, state: 0 },
        { symbol: "OLD_USDT", baseCoin: "OLD", quoteCoin: "USDT", settleCoin: "USDT", contractSize: 1, state: 3 },
      ],
    }],
    gives: { "BTC/USDT:USDT": "BTC_USDT", "BTC/USD:BTC": "BTC_USD" },
  },
  hyperliquid: {
    answers: [
      { universe: [{ name: "BTC", szDecimals: 5 }, { name: "kPEPE" }, { name: "OLD", isDelisted: true }] },
      {
        universe: [
          { name: "PURR/USDC", tokens: [1, 0], index: 0, isCanonical: true },
          { name: "@107", tokens: [150, 0], index: 107 },
          { name: "@142", tokens: [197, 268], index: 142 },
        ],
        tokens: [
          { name: "USDC", index: 0 },
          { name: "PURR", index: 1 },
          { name: "HYPE", index: 150 },
          { name: "UBTC", index: 197 },
          { name: "USDH", index: 268 },
        ],
      },
    ],
    gives: {
      "BTC/USDC:USDC": "BTC",
      "kPEPE/USDC:USDC": "kPEPE",
      "PURR/USDC": "PURR/USDC",
      "HYPE/USDC": "@107",
      "BTC/USDH": "@142",
    },
  },
  bullish: {
    answers: [[
      bullishMarket("BTCUSDC", "SPOT", { baseSymbol: "BTC", quoteSymbol: "USDC" }),
      bullishMarket("BTC-USDC-PERP", "PERPETUAL", {}),
      bullishMarket("BTC-USDC-20250516", "DATED_FUTURE", {}),
      bullishMarket("BTC-USDC-20260130-160000-P", "OPTION", { optionStrikePrice: "160000.0000" }),
      bullishMarket("OLDUSDC", "SPOT", { baseSymbol: "OLD", quoteSymbol: "USDC", marketEnabled: false }),
    ]],
    gives: {
      "BTC/USDC": "BTCUSDC",
      "BTC/USDC:USDC": "BTC-USDC-PERP",
      "BTC/USDC:USDC-250516": "BTC-USDC-20250516",
      "BTC/USDC:USDC-260130-160000-P": "BTC-USDC-20260130-160000-P",
    },
  },
  bingx: {
    answers: [
      { data: { symbols: [{ symbol: "BTC-USDT", status: 1 }, { symbol: "OLD-USDT", status: 25 }] } },
      {
        data: [
          { symbol: "BTC-USDC", asset: "BTC", currency: "USDC", status: 1 },
          { symbol: "OLD-USDT", asset: "OLD", currency: "USDT", status: 0 },
        ],
      },
      { data: [{ symbol: "BTC-USD", minTickSize: "100" }] },
    ],
    gives: { "BTC/USDT": "BTC-USDT", "BTC/USDC:USDC": "BTC-USDC", "BTC/USD:BTC": "BTC-USD" },
  },
  deepcoin: {
    answers: [
      {
        data: [
          { instId: "BTC-USDT-SWAP", baseCcy: "BTC", quoteCcy: "USDT", state: "live", tickSz: "0.1" },
          { instId: "BTC-USD-SWAP", baseCcy: "BTC", quoteCcy: "USD", state: "live", tickSz: "0.5" },
          { instId: "OLD-USDT-SWAP", baseCcy: "OLD", quoteCcy: "USDT", state: "suspend" },
        ],
      },
      { data: [{ instId: "BTC-USDT", baseCcy: "BTC", quoteCcy: "USDT", state: "live" }] },
    ],
    gives: { "BTC/USDT:USDT": "BTCUSDT", "BTC/USD:BTC": "BTCUSD", "BTC/USDT": "BTC/USDT" },
  },
  delta: {
    answers: [{
      result: [
        deltaProduct("BTCUSDT", "perpetual_futures"),
        deltaProduct("C-BTC-90000-250926", "call_options", { strike_price: "90000.0" }),
        deltaProduct("BTC_USDT", "spot"),
        deltaProduct("P-BTC-90000-250926", "put_options", { strike_price: "90000", state: "expired" }),
        deltaProduct("MV-BTC-90000-250926", "move_options", { strike_price: "90000" }),
      ],
      meta: { after: null },
    }],
    gives: {
      "BTC/USDT:USDT": "BTCUSDT",
      "BTC/USDT:USDT-260925-90000-C": "C-BTC-90000-250926",
      "BTC/USDT": "BTC_USDT",
    },
  },
  gmo: {
    answers: [{ status: 0, data: [{ symbol: "BTC", tickSize: "1" }, { symbol: "BTC_JPY", tickSize: "1" }] }],
    gives: { "BTC/JPY": "BTC", "BTC/JPY:JPY": "BTC_JPY" },
  },
};

function future(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const common = { base_currency: "BTC", quote_currency: "USD", settlement_currency: "BTC" };
  return { kind: "future", is_active: true, ...common, ...more };
}

/** One answer for three lists: each takes the types that are its own. */
function bitmexInstruments(): readonly unknown[] {
  const listed = (symbol: string, typ: string, [underlying, quoteCurrency, settlCurrency]: readonly string[]) => ({
    symbol,
    typ,
    state: "Open",
    underlying,
    quoteCurrency,
    settlCurrency,
    expiry: typ === "FFCCSX" ? "2026-12-25T12:00:00.000Z" : null,
  });
  return [
    listed("XBTUSD", "FFWCSX", ["XBT", "USD", "XBt"]),
    listed("ETHUSD", "FFWCSX", ["ETH", "USD", "XBt"]),
    listed("XBTUSDT", "FFWCSX", ["XBT", "USDT", "USDt"]),
    { ...listed("OLDUSDT", "FFWCSX", ["OLD", "USDT", "USDt"]), state: "Unlisted" },
    listed("XBTZ26", "FFCCSX", ["XBT", "USD", "XBt"]),
    listed("XRPZ26", "FFCCSX", ["XRP", "XBT", "XBt"]),
    listed("XBT_USDT", "IFXXXP", ["XBT", "USDT", "USDt"]),
    listed(".BXBT", "MRCXXX", ["XBT", "USD", "XBt"]),
  ];
}

function option(fields: object) {
  return {
    kind: "option",
    base_currency: "BTC",
    quote_currency: "BTC",
    counter_currency: "USD",
    settlement_currency: "BTC",
    is_active: true,
    ...fields,
  };
}

function bullishMarket(symbol: string, marketType: string, fields: object) {
  const derivative = { underlyingBaseSymbol: "BTC", underlyingQuoteSymbol: "USDC", settlementAssetSymbol: "USDC" };
  return { symbol, marketType, marketEnabled: true, baseSymbol: null, quoteSymbol: null, ...derivative, ...fields };
}

function deltaProduct(symbol: string, contract_type: string, fields: object = {}) {
  const asset = (name: string) => ({ symbol: name });
  const assets = {
    underlying_asset: asset("BTC"),
    quoting_asset: asset("USDT"),
    settling_asset: contract_type === "spot" ? null : asset("USDT"),
  };
  return { symbol, contract_type, state: "live", ...assets, ...fields };
}

function phemexProducts() {
  const listed = { status: "Listed", quoteCurrency: "USDT", settleCurrency: "USDT" };
  return {
    data: {
      products: [
        { symbol: "cETHUSD", type: "Perpetual", status: "Listed", quoteCurrency: "USD", settleCurrency: "ETH" },
        { symbol: "XBTUSD", type: "Perpetual", status: "Delisted", quoteCurrency: "USD", settleCurrency: "BTC" },
        { symbol: "sBTCUSDT", type: "Spot", baseCurrency: "BTC", status: "Listed", quoteCurrency: "USDT" },
      ],
      perpProductsV2: [
        { symbol: "BTCUSDT", type: "PerpetualV2", baseCurrency: "BTC", ...listed },
        { symbol: "OLDUSDT", type: "PerpetualV2", baseCurrency: "OLD", ...listed, status: "Delisted" },
      ],
    },
  };
}

function okxOption(instId: string, fields: object) {
  return {
    instId,
    uly: "BTC-USD",
    settleCcy: "BTC",
    optType: "C",
    state: "live",
    ctVal: "1",
    ctMult: "0.01",
    ...fields,
  };
}

function bybitList(
  rows: readonly (readonly [symbol: string, type: string | undefined, delivery: string, settleCoin?: string])[],
) {
  return {
    result: {
      list: rows.map(([symbol, contractType, deliveryTime, settleCoin]) => ({
        symbol,
        contractType,
        deliveryTime,
        settleCoin,
        baseCoin: "BTC",
        quoteCoin: symbol.startsWith("BTCUSDT") ? "USDT" : "USD",
        status: "Trading",
      })),
      nextPageCursor: "",
    },
  };
}

function bybitOptions(rows: readonly (readonly [symbol: string, settleCoin: string, status: string])[]) {
  const list = rows.map(([symbol, settleCoin, status]) => ({
    symbol,
    baseCoin: symbol.slice(0, 3),
    settleCoin,
    status,
  }));
  return { result: { list, nextPageCursor: "" } };
}

for (const [name, { answers, gives }] of Object.entries(ANSWERS)) {
  Deno.test(`readInstrumentList() finds the canonical symbols of ${name}`, () => {
    const symbols = SHIPPED.find((shipped) => shipped.name === name)?.symbols ?? [];
    const lists = loadInstance({ name, symbols, channels: ["trades"] }).exchanges[0].runnable?.rest.instruments ?? [];
    assert.equal(lists.length, answers.length);
    const found = lists.flatMap((list, index) =>
      readInstrumentList(list, new TextEncoder().encode(JSON.stringify(answers[index]))) ?? []
    );
    assert.deepEqual(Object.fromEntries(found.map(({ canonical, native }) => [canonical, native])), gives);
  });
}

/** The exchanges' client libraries that are tried, in the one version that is. */
export const BINANCE = "npm:@binance/connector@3.6.1";
export const TARDIS = "npm:tardis-dev@13.35.3";
export const BYBIT = "npm:bybit-api@4.7.7";

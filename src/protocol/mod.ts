/**
 * The protocol of an exchange, from the exchange's side: what a client's messages subscribe to, which recorded frames
 * belong to that, and how messages are answered. In: the plan of an instance, a client's texts, recorded frames. Out:
 * whether a frame is wanted, and answers as texts. Pure. Must not know sockets, clocks, files, or any exchange by name.
 */
export { Answers } from "./answers.ts";
export { type AskedItem, Catalogue } from "./catalogue.ts";
export { type Heard, Wishes } from "./wishes.ts";
export { hasWord, shallowTexts } from "./words.ts";

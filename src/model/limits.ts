/** Every bound of the program, with its unit and what happens when it is reached. */

/** Longest expression in bytes; a longer one is an issue. */
export const EXPRESSION_BYTES_MAX = 4096;
/** Most nodes in an expression's tree; more is an issue. */
export const EXPRESSION_NODES_MAX = 1000;
/** Most steps of one evaluation; the value is null from there on. */
export const EXPRESSION_STEPS_MAX = 10_000;
/** Longest argument or result of an expression function, in UTF-16 units; a longer one gives null. */
export const EXPRESSION_TEXT_CHARS_MAX = 65_536;
/** Most digits of a number in expression arithmetic, zeros of an exponent included; the result is null beyond. */
export const EXPRESSION_DIGITS_MAX = 1000;
/** Most messages one generator run may emit; one more is an issue. */
export const GENERATOR_MESSAGES_MAX = 1_000_000;
/** Most loop rounds and statements of one generator run; one more is an issue. */
export const GENERATOR_STEPS_MAX = 10_000_000;
/** Most text one generator run may emit, in UTF-16 units; one more is an issue. */
export const GENERATOR_CHARS_MAX = 256 * 1024 * 1024;
/** Deepest nesting of blocks in a generator, and of operators in an expression; deeper is an issue. */
export const LANGUAGE_DEPTH_MAX = 64;
/** Deepest nesting of arrays and objects in a frame; a deeper frame is undecodable. */
export const JSON_DEPTH_MAX = 128;
/** Largest frame in bytes, before and after decompression; a larger one ends the session or is undecodable. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** Most text kept of an example frame in reports and logs, in characters. */
export const EXAMPLE_CHARS_MAX = 300;
/** Longest delay between attempts to connect, in ms. */
export const BACKOFF_MS_MAX = 60_000;
/** First delay between attempts to connect, in ms. */
export const BACKOFF_MS_MIN = 250;
/** After a session that lived this long, in ms, the first delay applies again. */
export const BACKOFF_RESET_MS = 60_000;
/** Estimated bytes of recent events kept in memory for sinks; a sink further behind reads the journal. */
export const RECENT_BYTES_MAX = 12 * 1024 * 1024;
/**
 * Events, and their estimated bytes, in one batch of recent events; past either a new batch begins. Eviction removes
 * whole batches.
 */
export const RECENT_BATCH_EVENTS = 2_048;
export const RECENT_BATCH_BYTES = 512 * 1024;
/** Emptied batches of recent events that are kept for reuse. */
export const RECENT_SPARE_BATCHES_MAX = 16;
/** Longest that sockets pause, in ms, so that a sink does not fall behind the recent events; then it falls behind. */
export const RECENT_WAIT_MS_MAX = 1_000;
/** Unwritten journal bytes; when reached, they are written at once, without waiting for the group commit. */
export const JOURNAL_COMMIT_BYTES = 512 * 1024;
/** Unwritten journal bytes; when reached, sockets are paused until the writer has caught up. */
export const JOURNAL_BUFFER_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Unwritten journal bytes; when reached, further frames are dropped and counted. Two of the largest frames may arrive
 * before a pause takes effect.
 */
export const JOURNAL_REFUSED_BYTES = 2 * FRAME_BYTES_MAX + 8 * 1024 * 1024;
/**
 * Records other than frames that wait while the journal cannot append: acknowledgements, rejections, ends of sessions.
 */
export const INTAKE_PENDING_MAX = 10_000;
/** Shortest pause in reading that emits a gap for each connection, in ms; shorter ones only delay. */
export const PAUSE_GAP_MS_MIN = 1_500;
/** Bytes of one part of a checkpoint; a single large book may exceed it. */
export const JOURNAL_PART_BYTES = 64 * 1024;
/**
 * Largest checkpoint in bytes, all parts together; a larger one is not written: the segment keeps growing, with a
 * warning.
 */
export const JOURNAL_CHECKPOINT_BYTES_MAX = 256 * 1024 * 1024;
/** Most events handed to a sink in one call. */
export const SINK_BATCH_EVENTS_MAX = 10_000;
/** Estimated bytes of events derived again from the journal and handed to a sink in one call. */
export const SINK_BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Largest descriptor, map or configuration file, in bytes; a larger one is an issue. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;
/** Deepest nesting of tables and lists in such a file, and most parts of a dotted key; a deeper one is an issue. */
export const TOML_DEPTH_MAX = 64;
/**
 * Longest such file, in characters, whose values are all located by the parser; in a longer one keys are searched for.
 */
export const TOML_PLACED_CHARS_MAX = 64 * 1024;
/** Most issues of one file that are listed; the rest is counted, and cross-checks wait. */
export const ISSUES_MAX = 200;
/** Sessions that are open at once; one more evicts the oldest, whose further frames become a gap. */
export const SESSIONS_MAX = 10_000;
/** Sessions with an unknown `opened` record whose gap is remembered as emitted; beyond it the oldest emits another. */
export const ORPHANS_MAX = 1000;
/** Open gaps of streams that are remembered; beyond it the oldest is never closed. */
export const OPEN_GAPS_MAX = 100_000;
/**
 * Plans that are kept by hash; beyond it the oldest is evicted, and frames of later sessions that name it become a gap.
 */
export const PLANS_MAX = 1000;
/** Consecutive frames numbered below a session's counter after which the counter counts as restarted. */
export const SOCKET_RESET_FRAMES = 3;
/** Entries of a list in one item of a checkpoint; further ones go to the next. */
export const CHECKPOINT_ITEMS_MAX = 500;
/** Length of a checkpoint part, in UTF-16 units, after which the next part begins; a single item may be longer. */
export const CHECKPOINT_PART_CHARS = 64 * 1024;
/**
 * Streams of one session that merges, aliases and first frames are kept for; each of them says what happens beyond it.
 */
export const SESSION_STREAMS_MAX = 100_000;
/** Native symbols of one session without a canonical name; rows of further ones are faults. */
export const SESSION_SYMBOLS_MAX = 20_000;
/** Prices kept by level id in one session; levels beyond them are unknown when they change. */
export const SESSION_LEVEL_IDS_MAX = 1_000_000;
/** Orders of one book that are aggregated to levels; a book with more is broken. */
export const BOOK_ORDERS_MAX = 500_000;
/** Pages of one instrument list that are requested; further ones are ignored. */
export const INSTRUMENT_PAGES_MAX = 100;
/** Partitions a Parquet sink keeps open; when reached, it asks to be flushed. */
export const SINK_PARTITIONS_MAX = 20_000;
/** Bytes a sink keeps in memory; when reached, a Parquet sink encodes its largest parts. */
export const SINK_BUFFER_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes a text sink keeps in memory; when reached, it writes to its files. */
export const SINK_TEXT_BYTES_MAX = 2 * 1024 * 1024;
/** Bytes of encoded row groups a Parquet sink keeps in memory; when reached, it writes its largest parts. */
export const SINK_ENCODED_BYTES_MAX = 48 * 1024 * 1024;
/** Rows after which a Parquet row group ends at the next change of symbol, so that readers can skip other symbols. */
export const ROW_GROUP_ROWS_MIN = 8192;
/** Bytes of a merged Parquet file; further rows go to another file. */
export const LAKE_FILE_BYTES_MAX = 1024 ** 3;
/** Rows that a merge holds in memory at once. */
export const LAKE_ROWS_HELD_MAX = 131_072;
/** How often a collector looks for files to merge, in ms. */
export const LAKE_LOOK_MS = 600_000;
/** Messages about untouched files that a collector remembers, so that it reports each once. */
export const LAKE_TOLD_MAX = 1000;
/** Gaps of an exchange and day that a certificate holds; with more, nothing of the day counts as covered. */
export const CERTIFICATE_GAPS_MAX = 100_000;
/** Days back from today whose certificates a collector renews if their files have changed. */
export const CERTIFICATE_DAYS_BACK = 14;
/** How long after its end an hour or a day counts as closed, in ms: later parts are merged the next time. */
export const LAKE_CLOSED_AFTER_MS = 1_800_000;
/** Rows of one Parquet row group. */
export const ROW_GROUP_ROWS_MAX = 65_536;
/** Bytes of a Parquet row group before compression; whichever of rows and bytes is reached first closes it. */
export const ROW_GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** Longest name of a sink, in characters; a longer one is an issue, because the encoded name is a file name. */
export const SINK_NAME_CHARS_MAX = 64;
/** How long a sink may take to open, in ms; then the attempt has failed. */
export const SINK_OPEN_MS_MAX = 60_000;
/** How long a sink may take to write one batch, in ms; then it has failed. */
export const SINK_WRITE_MS_MAX = 30_000;
/** How long a sink may take to flush, in ms; then it has failed. */
export const SINK_FLUSH_MS_MAX = 120_000;
/** How long a sink may take to close, in ms; then it is no longer waited for. */
export const SINK_CLOSE_MS_MAX = 5_000;
/**
 * How long a reload waits for the sinks that it removes or opens anew to commit what they have, in ms; then they are cut
 * off, and what they have not committed goes to the sink that takes their place.
 */
export const SINK_CHANGE_MS_MAX = 5_000;
/** How long a call to a sink may be under way before the sink counts as failing, in ms. */
export const SINK_SLOW_MS = 10_000;
/** Most doublings of a sink's deadlines; each consecutive call that exceeds its deadline doubles them once. */
export const SINK_DEADLINE_DOUBLINGS_MAX = 4;
/** Most halvings of what a sink of messages stores at once; each consecutive call that timed out halves it once. */
export const SINK_BATCH_HALVINGS_MAX = 10;
/** First delay before a sink that failed is opened again, in ms. */
export const SINK_RETRY_MS_MIN = 250;
/**
 * Longest delay before a sink that failed is opened again, in ms. Short, because everything received meanwhile waits
 * for it too, and a try costs one's own server nothing.
 */
export const SINK_RETRY_MS_MAX = 2_000;
/** Delay before a blocked sink, which needs a person, is tried again, in ms. */
export const SINK_BLOCKED_RETRY_MS = 15_000;
/** Batches that are under way to one sink at the same time. */
export const SINK_WRITES_IN_FLIGHT_MAX = 64;
/** Files a text sink holds open; when reached, the one opened first is synced and closed. */
export const SINK_OPEN_FILES_MAX = 64;
/** How long a connection may take to open, in ms; then the attempt has failed. */
export const DIAL_TIMEOUT_MS = 10_000;
/** How long the bootstrap call before a connect may take, in ms; then the attempt has failed. */
export const BOOTSTRAP_TIMEOUT_MS = 10_000;
/** Largest reply to the bootstrap call, in bytes; a larger one fails the attempt. */
export const BOOTSTRAP_BYTES_MAX = 1024 * 1024;
/** Replies to a server's pings that wait for the send limit; one more drops the oldest. */
export const REPLIES_QUEUED_MAX = 16;
/**
 * How long a sent request keeps its slot of the send limit without an answer that shows that the exchange has read it, in
 * ms: after a shorter stall of the network the exchange does not receive more at once than it allows.
 */
export const UNANSWERED_HOLD_MS = 5_000;
/** First delay before a rejected subscription is asked for again, in ms; it doubles with each further rejection. */
export const REJECTED_RETRY_MS_MIN = 10_000;
/** Longest delay before a rejected subscription is asked for again, in ms. */
export const REJECTED_RETRY_MS_MAX = 600_000;
/** Streams whose rhythm is remembered. */
export const RHYTHMS_MAX = 50_000;
/** Largest file of rhythms, in bytes; a larger one is set aside. */
export const RHYTHMS_FILE_BYTES_MAX = 256 * 1024 * 1024;
/** How often rhythms are written, in ms. */
export const RHYTHMS_SAVE_MS = 300_000;
/** Streams of quiet channels are judged only if their rhythm allows no silence longer than this, in ms. */
export const STALL_QUIET_LIMIT_MS_MAX = 3_600_000;
/** Shortest and longest time between two checks for silent streams, in ms. */
export const STALL_SWEEP_MS_MIN = 1000;
export const STALL_SWEEP_MS_MAX = 60_000;
/** Shortest time between two replacements of sockets because of stalled streams, in ms, for each kind of step. */
export const STALL_TURN_MS_MIN = 300_000;
/** Rejections of one item on one socket after which it is not requested again. */
export const REJECTED_TRIES_MAX = 8;
/** Longest delay before an unacknowledged request is sent again, in ms. */
export const RESUBSCRIBE_MS_MAX = 60_000;
/** Deltas that a book buffers while it waits for a snapshot; one more drops the oldest. */
export const BOOK_BUFFER_DELTAS_MAX = 4096;
/** Deltas before any snapshot after which a pushed book counts as broken and is resynced. */
export const BOOK_UNANCHORED_DELTAS_MAX = 100;
/** Books kept for one session; events of further ones are emitted unchecked. */
export const SESSION_BOOKS_MAX = 10_000;
/** Levels of one side of a book; a book with more is broken (a gap) until a smaller snapshot. */
export const BOOK_LEVELS_MAX = 100_000;
/** How long deltas may wait for a book's first snapshot, in µs of receive time; then a gap is emitted. */
export const BOOK_BUFFERING_US_MAX = 10_000_000;
/** Consecutive updates below a book's position after which its sequence counts as restarted. */
export const BOOK_RESET_UPDATES = 5;
/** The same, if their exchange times are later than that of the position. */
export const BOOK_RESET_UPDATES_NEWER = 2;
/**
 * Shortest duration of such a run if its exchange times are not later than that of the position, in µs of receive time.
 */
export const BOOK_RESET_LATE_US = 5_000_000;
/** Shortest duration of such a run after a REST snapshot, which may be ahead of its feed, in µs of receive time. */
export const BOOK_RESET_BRIDGE_US = 30_000_000;
/** How far an exchange time may be ahead of the receive time, in µs; one further ahead is not used for ordering. */
export const STAMP_AHEAD_US_MAX = 60_000_000;
/** How long a resync may take until the book is valid, in ms; then it is repeated, within its budget. */
export const BOOK_RESYNC_RETRY_MS = 30_000;
/** Timestamps of requests kept per host and use; a limit of more per window is lowered to this count. */
export const LIMIT_MOMENTS_MAX = 10_000;
/** How far back timestamps are kept for limits, in ms: longer than any window that exchanges use. */
export const LIMIT_WINDOW_MS_MAX = 3_600_000;
/** Hosts whose limits are kept; beyond it the least recently used is evicted. */
export const LIMIT_HOSTS_MAX = 1_000;
/** Largest file of kept limits, in bytes; a larger one is set aside. */
export const LIMITS_FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Longest wait that a peer may ask for, in ms; a longer one is shortened to it. */
export const RETRY_AFTER_MS_MAX = 24 * 3_600_000;
/** Redirects that one request follows; one more is a failure. */
export const FETCH_REDIRECTS_MAX = 5;
/** HTTP clients kept for different certificate authorities; one more closes the oldest. */
export const HTTP_CLIENTS_MAX = 16;
/** How often the runtime checks whether journal and sinks make progress, in ms. */
export const PROGRESS_LOOK_MS = 1_000;
/** How long records may wait to be synced, in ms; then /healthz names the journal. */
export const JOURNAL_WAIT_MS_MAX = 5_000;
/** How long past its due time a sink may go without a commit, in ms; then /healthz names it. */
export const SINK_LATE_MS = 10_000;
/** How long sockets may go unread, in ms; then /healthz says so. */
export const READING_PAUSE_MS_MAX = 2_000;
/** How long a book may wait for its snapshot, in ms; then /healthz names it. */
export const BOOK_WAIT_MS_MAX = 15_000;
/** How long a request may go without an answer, in ms; then /healthz names it. */
export const REQUEST_LATE_MS = 10_000;
/** How long past its interval a poll may go without an answer, in ms; then /healthz names it. */
export const POLL_LATE_MS = 10_000;
/** How long /healthz shows a step of the wall clock, in ms. */
export const CLOCK_STEP_SHOWN_MS = 600_000;
/** How long /healthz shows that a bug stopped the derivation of a record, in ms. */
export const QUARANTINE_SHOWN_MS = 600_000;
/** Smallest difference between wall clock and monotonic clock that counts as a step of the wall clock, in ms. */
export const CLOCK_STEP_MS_MIN = 2_000;
/** Most clock steps that wait for the journal; with more, only the first and the last are kept. */
export const CLOCK_STEPS_MAX = 16;
/** Steps of the wall clock that a journal remembers, to compute the age of its segments. */
export const JOURNAL_CLOCK_STEPS_MAX = 256;
/** Polls whose last answer is remembered; beyond it the one answered longest ago is evicted. */
export const POLL_ANSWERS_MAX = 20_000;
/** Shortest secret that is hidden in outputs, in characters; a shorter one would match within ordinary words. */
export const SECRET_CHARS_MIN = 4;
/** Longest secret that is hidden only as a whole word, in characters. */
export const SECRET_WORD_CHARS_MAX = 7;
/** HTTP requests in flight over all hosts; further ones wait. */
export const REQUESTS_IN_FLIGHT_MAX = 64;
/** HTTP requests in flight to one host; further ones wait. */
export const REQUESTS_PER_HOST_MAX = 16;
/** Of these, low-priority requests (polls, backfill), so that a snapshot never waits for them. */
export const POLLS_IN_FLIGHT_MAX = 8;
/** Longest wait for the answer to an HTTP request, in ms; then the attempt has failed. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** First delay before an HTTP request is retried, in ms; it doubles with each failure. */
export const REQUEST_RETRY_MS_MIN = 500;
/** Longest delay before a failed poll is retried, in ms; at least its interval. */
export const POLL_RETRY_MS_MAX = 5_000;
/** Differing places of two plans that are named. */
export const PLAN_PARTS_SHOWN_MAX = 20;
/** Largest kept instrument list, in bytes; a larger one is set aside. */
export const KEPT_LIST_BYTES_MAX = 64 * 1024 * 1024;
/** First delay before an instrument list that lacks a configured symbol is requested again, in ms; it doubles. */
export const INSTRUMENTS_REFRESH_MS_MIN = 60_000;
/** Longest such delay, in ms. */
export const INSTRUMENTS_REFRESH_MS_MAX = 3_600_000;
/** Most symbols that patterns of one instance may select; further ones are left out, with a warning. */
export const PATTERN_SYMBOLS_MAX = 10_000;
/** Connections that the HTTP server keeps; a new one closes the one that has been idle longest. */
export const HTTP_CONNECTIONS_MAX = 64;
/** How long a request may take to arrive, in ms, from its first byte on; then its connection is closed. */
export const HTTP_REQUEST_MS_MAX = 30_000;
/**
 * How long a WebSocket client may leave a ping unanswered, in seconds; then it is closed. Idle ones are pinged at half
 * of it.
 */
export const HTTP_SOCKET_IDLE_S = 20;
/** Latest gaps that the API remembers. */
export const API_GAPS_MAX = 1_000;
/** Most entries of one answer of the API, and the default. */
export const API_ENTRIES_MAX = 10_000;
export const API_ENTRIES_DEFAULT = 1_000;
/** Deepest book that the API returns, in levels of a side, and the default. */
export const API_DEPTH_MAX = 5_000;
export const API_DEPTH_DEFAULT = 20;
/** Most days of coverage that the API returns, and the default. */
export const API_COVERAGE_DAYS_MAX = 31;
export const API_COVERAGE_DAYS_DEFAULT = 7;
/** Largest certificate that a running collector reads, in bytes: reading one blocks everything else. */
export const COVERAGE_CERTIFICATE_BYTES_MAX = 16 * 1024 * 1024;
/** Certificates whose coverage is remembered, and most unreadable ones that are named. */
export const COVERAGE_KEPT_MAX = 1_000;
export const COVERAGE_UNREADABLE_MAX = 20;
/** Clients that follow events at once; further ones are refused. */
export const LIVE_CLIENTS_MAX = 1_000;
/** Most characters queued for such a client; a slower client is disconnected. */
export const LIVE_QUEUE_CHARS_MAX = 4 * 1024 * 1024;
/** Characters handed to a client's connection at once. */
export const LIVE_CHUNK_CHARS = 64 * 1024;
/** Most bytes buffered in the WebSocket of such a client. */
export const LIVE_SOCKET_BYTES_MAX = 256 * 1024;
/** How often a quiet stream of events sends a heartbeat, in ms. */
export const LIVE_BEAT_MS = 5_000;
/** How long clients have to read the close reason when the program stops, in ms. */
export const LIVE_GOODBYE_MS = 200;
/** Largest request on such a WebSocket, in characters, and most requests a second. */
export const LIVE_REQUEST_CHARS_MAX = 64 * 1024;
export const LIVE_REQUESTS_PER_S = 20;
/** Subscriptions of one client, patterns of one list, and the longest pattern, in characters. */
export const LIVE_SUBSCRIPTIONS_MAX = 100;
export const LIVE_PATTERNS_MAX = 1_000;
export const LIVE_PATTERN_CHARS_MAX = 200;
/** Length of a bucket of the page's counts, in ms, and the number of buckets. */
export const PAGE_BUCKET_MS = 2_000;
export const PAGE_BUCKETS = 150;
/** How often open pages are updated, in ms, and how many may be open. */
export const PAGE_EVERY_MS = 1_000;
export const PAGE_CLIENTS_MAX = 32;
/** Gaps and lines of the log that the page shows. */
export const PAGE_GAPS = 100;
export const PAGE_LOG_LINES = 100;
/** Options of one request for normalized messages, and replays that run at once. */
export const TARDIS_OPTIONS_MAX = 100;
export const TARDIS_REPLAYS_MAX = 2;
/** Filters of one raw replay; more are refused. */
export const TARDIS_FILTERS_MAX = 1_000;
/** Sockets of one session of raw replays; one more is refused. */
export const TARDIS_SESSION_SOCKETS_MAX = 20;
/** A raw replay on sockets begins when none of them subscribed to anything for this long, in ms. */
export const TARDIS_SETTLE_MS = 1_000;
/** A raw replay is ended if not all of its sockets have subscribed within this time of the first socket, in ms. */
export const TARDIS_ASKED_MS_MAX = 10_000;
/** Recorded answers of one kind that an emulated exchange keeps; later ones are ignored. */
export const RECORDED_ANSWERS_MAX = 20_000;
/** Frames, and their bytes, that a draft of a descriptor is learned from; later ones are ignored. */
export const LEARNED_FRAMES_MAX = 20_000;
export const LEARNED_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of recorded REST answers that an emulated exchange keeps in memory; more are refused. */
export const RECORDED_HTTP_BYTES_MAX = 256 * 1024 * 1024;
/** Longest message of a client to an emulated exchange, in characters; a longer one is ignored. */
export const CLIENT_MESSAGE_CHARS_MAX = 1024 * 1024;
/** Shortest token of the API, in characters. */
export const HTTP_TOKEN_CHARS_MIN = 16;
/** How long an HTTP connection may stay idle, in ms; then it is closed. */
export const HTTP_IDLE_MS_MAX = 15_000;
/** How often the HTTP server looks for idle connections, in ms. */
export const HTTP_LOOK_MS = 5_000;
/** How long the HTTP server waits for a file that it needs for a connection, in ms; then it tries again. */
export const HTTP_RETRY_MS = 100;
/** Attempts to connect the HTTP port to the server behind it; then the client's connection is closed. */
export const HTTP_CONNECT_TRIES_MAX = 30;
/** How long a half-closed client may wait for an answer that is not being produced, in ms. */
export const HTTP_REPLY_MS = 1_000;
/** How long a connection stays open for its client to read the end of an answer, in ms. */
export const HTTP_LINGER_MS = 1_000;
/** Largest request body that is read, in bytes; a larger one is answered with 413. */
export const HTTP_REQUEST_BYTES_MAX = 1024 * 1024;
/** Collector names that a journal remembers; beyond it the oldest are evicted. */
export const COLLECTOR_NAMES_MAX = 1_000;
/** Longest name of a collector, in characters. */
export const COLLECTOR_NAME_CHARS_MAX = 64;
/** Most bytes of message bodies sent to a broker at once. */
export const SINK_MESSAGE_BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Streams of a destination that a sink remembers as its own; beyond it all are checked anew. */
export const SINK_STREAMS_SEEN_MAX = 20_000;
/** Names rendered from a sink's template that are cached; beyond it the cache is cleared. */
export const SINK_NAMES_KEPT_MAX = 20_000;
/** Combinations of exchange and symbol whose filter result is cached; beyond it the cache is cleared. */
export const FILTER_MEMORY_MAX = 10_000;
/** Text queued for a standard stream, in bytes; further log lines are dropped and counted. */
export const STREAM_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Frames of a recording without a known address on which shipped descriptors are tried. */
export const RECOGNISED_FRAMES_MAX = 200;
/** Most bytes of these frames. */
export const RECOGNISED_BYTES_MAX = 8 * 1024 * 1024;
/** Least share of the frames that a descriptor must read to be chosen; no other may read more than half as many. */
export const RECOGNISED_SHARE_MIN = 0.5;
/** Most different entries that a count of faults, rules or symbols keeps apart; further ones are counted as `other`. */
export const TALLY_ENTRIES_MAX = 200;
/** Longest shape of a frame that a count names, in characters. */
export const SHAPE_CHARS_MAX = 160;
/** Depth, and keys of an object or elements of an array, that a frame's shape includes. */
export const SHAPE_DEPTH_MAX = 5;
export const SHAPE_MEMBERS_MAX = 24;
/** Stretches that wait to be filled; further ones are reported as not filled. */
export const FILLS_MAX = 4_096;
/** Events fetched for one stretch; beyond it the stretch is filled in part. */
export const FILL_EVENTS_MAX = 200_000;
/** Streams whose last event is remembered, to find what is missing when a gap ends. */
export const TAILS_MAX = 50_000;
/** Ids remembered per stream if ids do not rise. */
export const TAIL_IDS_MAX = 64;
/** How long a stretch waits before its first request, in ms, because histories lag behind streams. */
export const BACKFILL_DELAY_MS = 1_000;
/**
 * Attempts of one backfill request, and of a stretch whose newer end is not in the history yet; then it is given up.
 */
export const BACKFILL_ATTEMPTS_MAX = 6;
/** Longest delay between these attempts, in ms. */
export const BACKFILL_RETRY_MS_MAX = 30_000;
/** Pages of one stretch; beyond it the stretch is filled in part. */
export const BACKFILL_PAGES_MAX = 2_000;
/** Longest wait for the answer to a probe of a silent stream, in ms; after it the probe is undecided. */
export const PROBE_MS_MAX = 3_000;
/** How long events that a probe found may still arrive by the stream, in ms. */
export const PROBE_SETTLE_MS = 1_000;
/** Silent streams of an instance that are probed at the same time. */
export const PROBES_AT_ONCE_MAX = 8;
/** Best levels of each side that a book is compared by with the exchange's own snapshot. */
export const COMPARE_LEVELS = 10;
/** Levels of each side that are copied for it. */
export const COMPARE_COPY_LEVELS = 200;
/** Longest wait for the snapshot, and then for the deltas up to its number, in ms. */
export const COMPARE_MS_MAX = 10_000;
/** How often it is looked whether they have come, in ms. */
export const COMPARE_LOOK_MS = 100;
/** Days whose comparisons of books an archive remembers. */
export const COMPARISON_DAYS_MAX = 40;
/** Known ids that a stretch on demand lists; more shorten the stretch. */
export const WISH_KNOWN_MAX = 20_000;
/** Ids of events fetched on demand after a stream's last event that are remembered. */
export const AHEAD_IDS_MAX = 50_000;
/** Events of the journal that are remembered while history is fetched on demand; a longer range must be split. */
export const HISTORY_KNOWN_MAX = 5_000_000;
/** First, shortest and longest stretch of history on demand, in ms; it adapts to the number of events. */
export const HISTORY_SPAN_MS_FIRST = 3_600_000;
export const HISTORY_SPAN_MS_MIN = 1_000;
export const HISTORY_SPAN_MS_MAX = 7 * 86_400_000;
/** Stretches of one instance that are fetched at once. */
export const BACKFILLS_AT_ONCE_MAX = 2;
/**
 * How long before a socket's maximum age its successor is opened, in ms: between this and twice this, or a tenth of a
 * short age.
 */
export const ROTATION_LEAD_MS_MAX = 600_000;
/** How often a successor is checked, in ms. */
export const ROTATION_LOOK_MS = 250;
/** How long a successor must show all streams of its predecessor before that one is closed, in ms. */
export const ROTATION_SETTLE_MS = 2_000;
/** Most sockets of one connection that show the same streams. */
export const SOCKETS_PER_CONNECTION_MAX = 3;
/** Recent events whose identity a merge remembers; a later copy of an evicted one counts as a new event. */
export const MERGE_IDENTITIES_MAX = 400_000;
/** Rows of Parquet files that are in memory while an archive is read in the order of its records. */
export const ARCHIVE_ROWS_HELD_MAX = 5_000_000;
/** Parquet files that are open at the same time while an archive is read. */
export const ARCHIVE_SOURCES_OPEN_MAX = 64;
/** Most gaps of one stream and collector that a merge remembers. */
export const MERGE_GAPS_MAX = 1_000;
/** Default time that a merge waits for further copies of an event, in µs. */
export const MERGE_WINDOW_US = 60_000_000;
/** How long an event shown by one of several sockets is remembered, to recognise the copies of the others, in µs. */
export const SIBLING_WINDOW_US = 30_000_000;
/** Most such events of one connection; beyond it the oldest are evicted, and a later copy counts as new. */
export const SIBLING_SIGHTINGS_MAX = 50_000;
/**
 * How long a socket, after an event that another one showed too, waits for the copies of events that only it showed, in
 * µs; then it emits its events, in whatever order the other copies come.
 */
export const SIBLING_JOIN_US = 1_000_000;
/**
 * How long missing ids of a stream on several sockets wait for a copy from another socket, in µs; then a gap is
 * emitted.
 */
export const LATE_COPY_US = 2_000_000;
/** Most such waits of one stream; further missing ids emit a gap at once. */
export const LATE_HOLES_MAX = 64;
/** How long the leading socket may be silent on a stream that others show before one of them takes over, in µs. */
export const SIBLING_PATIENCE_US = 10_000_000;
/** Most shares of a group; a configuration with more is refused. */
export const SHARES_MAX = 256;
/** Smallest and largest `ttl` of a group, in ms; a configuration outside is refused. */
export const GROUP_TTL_MS_MIN = 1_000;
export const GROUP_TTL_MS_MAX = 3_600_000;
/** Longest list of last events that a member publishes, in characters; further streams are left out. */
export const GROUP_NOTE_CHARS_MAX = 500_000;
/** Longest time between two reads of the group's entries by a member, in ms. */
export const GROUP_LOOK_MS_MAX = 1_000;

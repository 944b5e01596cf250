/** Every bound of the program in one place: its unit, and what happens when it is reached. */

/** Longest expression in bytes; a longer one is an issue. */
export const EXPRESSION_BYTES_MAX = 4096;
/** Most nodes in an expression's tree; more is an issue. */
export const EXPRESSION_NODES_MAX = 1000;
/** Most steps of one evaluation; the value is null from there on. */
export const EXPRESSION_STEPS_MAX = 10_000;
/** Longest text that an expression function takes or gives, in UTF-16 units; the function gives null for a longer one. */
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
/** Longest delay between attempts to connect, in ms; the delay grows to it and stays there. */
export const BACKOFF_MS_MAX = 60_000;
/** First delay between attempts to connect, in ms. */
export const BACKOFF_MS_MIN = 250;
/** A session that lived this long, in ms, begins again with the first delay. */
export const BACKOFF_RESET_MS = 60_000;
/** Estimated bytes of events kept in memory for sinks that follow closely; a sink further behind reads the journal. */
export const TAIL_BYTES_MAX = 12 * 1024 * 1024;
/** Events and their estimated bytes in one batch of those; past either a new batch is begun. A batch leaves as a whole. */
export const TAIL_BATCH_EVENTS = 2_048;
export const TAIL_BATCH_BYTES = 512 * 1024;
/** Batches of those that are kept to be filled anew, so that memory is not asked for again and again. */
export const TAIL_SPARE_BATCHES_MAX = 16;
/** Longest that sockets wait for a sink that would else fall behind the events in memory, in ms; then it falls behind. */
export const TAIL_WAIT_MS_MAX = 1_000;
/** Journal bytes not yet written from which they are written at once, without waiting for the group commit. */
export const JOURNAL_COMMIT_BYTES = 512 * 1024;
/** Journal bytes not yet written; when reached, sockets are paused until the writer has caught up. */
export const JOURNAL_BUFFER_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Journal bytes not yet written; when reached, nothing more is taken and what comes is counted as dropped. Two of the
 * largest frames may come before a pause takes effect.
 */
export const JOURNAL_REFUSED_BYTES = 2 * FRAME_BYTES_MAX + 8 * 1024 * 1024;
/** Records that the journal could not take and that wait to be written: acknowledgements, rejections, ends of sessions. */
export const INTAKE_PENDING_MAX = 10_000;
/** A pause in reading of this length, in ms, is told as a gap of each connection: shorter ones only delay. */
export const PAUSE_TOLD_MS = 1_500;
/** Bytes of one part of a checkpoint, if it is not a single book. */
export const JOURNAL_PART_BYTES = 64 * 1024;
/** Largest checkpoint in bytes, all parts together; with a larger one the segment grows on and it is told. */
export const JOURNAL_CHECKPOINT_BYTES_MAX = 256 * 1024 * 1024;
/** Events handed to a sink in one call. */
export const SINK_BATCH_EVENTS_MAX = 10_000;
/** Estimated bytes of events derived again from the journal and handed to a sink in one call. */
export const SINK_BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Largest descriptor, map or configuration file, in bytes; a larger one is an issue. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;
/** Deepest that tables and lists of such a file may nest, and most parts of a dotted key; a deeper one is an issue. */
export const TOML_DEPTH_MAX = 64;
/** Longest such file, in characters, in which every value is placed; in a longer one keys are searched for. */
export const TOML_PLACED_CHARS_MAX = 64 * 1024;
/** Most mistakes of one file that are told one by one; the rest is counted, and cross-checks wait. */
export const ISSUES_MAX = 200;
/** Sessions that are open at once; when one more opens the oldest is forgotten and its further frames are in a gap. */
export const SESSIONS_MAX = 10_000;
/** Sessions whose opening is unknown that are remembered as told; beyond it the oldest is told again. */
export const ORPHANS_MAX = 1000;
/** Open gaps of streams that are remembered; beyond it the oldest stays open in the data for good. */
export const OPEN_GAPS_MAX = 100_000;
/** Plans that are kept by hash; beyond it the oldest is forgotten, and later sessions that name it are in a gap. */
export const PLANS_MAX = 1000;
/** Frames below a session's counter, each one up from the one before, after which the counter has begun again. */
export const SOCKET_RESET_FRAMES = 3;
/** Entries of a list that stand in one item of a checkpoint; further ones stand in the next. */
export const CHECKPOINT_ITEMS_MAX = 500;
/** Length of a checkpoint's text from which the next one begins, in UTF-16 units; one item may be longer. */
export const CHECKPOINT_PART_CHARS = 64 * 1024;
/** Streams of one session that merges, aliases and first frames are kept of; beyond it see each of them. */
export const SESSION_STREAMS_MAX = 100_000;
/** Native symbols of one session that no map translates; rows of further ones are faults. */
export const SESSION_SYMBOLS_MAX = 20_000;
/** Prices kept by level id in one session; levels beyond them are unknown when they change. */
export const SESSION_LEVEL_IDS_MAX = 1_000_000;
/** Orders of one book that are added up to levels; a book with more is broken. */
export const BOOK_ORDERS_MAX = 500_000;
/** Pages of one instrument list that are asked for; further ones are left out. */
export const INSTRUMENT_PAGES_MAX = 100;
/** Partitions a Parquet sink keeps open; when reached, it asks to be flushed. */
export const SINK_PARTITIONS_MAX = 20_000;
/** Bytes a sink keeps in memory; when reached, a Parquet sink encodes its largest parts. */
export const SINK_BUFFER_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes a text sink keeps in memory; when reached, it writes to its files. */
export const SINK_TEXT_BYTES_MAX = 2 * 1024 * 1024;
/** Bytes of encoded row groups a Parquet sink keeps in memory; when reached, it writes its largest parts. */
export const SINK_ENCODED_BYTES_MAX = 48 * 1024 * 1024;
/** Rows after which a Parquet row group ends with the symbol it is at, so that readers pass over those of other symbols. */
export const ROW_GROUP_ROWS_MIN = 8192;
/** Bytes of a merged Parquet file; a larger one goes on in another. */
export const LAKE_FILE_BYTES_MAX = 1024 ** 3;
/** Rows that a merge holds in memory at the same time. */
export const LAKE_ROWS_HELD_MAX = 131_072;
/** How often a collector looks for files to merge, in ms. */
export const LAKE_LOOK_MS = 600_000;
/** Texts about files left as they are that a collector remembers, so that it tells each once. */
export const LAKE_TOLD_MAX = 1000;
/** Gaps of an exchange and day that a certificate holds; where there are more, nothing of the day counts as covered. */
export const CERTIFICATE_GAPS_MAX = 100_000;
/** Days back from today whose certificates a collector renews where their files have changed. */
export const CERTIFICATE_DAYS_BACK = 14;
/** How long after its end an hour or a day counts as closed, in ms: later parts are merged the next time. */
export const LAKE_CLOSED_AFTER_MS = 1_800_000;
/** Rows of one Parquet row group. */
export const ROW_GROUP_ROWS_MAX = 65_536;
/** Bytes of a Parquet row group before compression, as far as it is not closed by its rows. */
export const ROW_GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** Longest name of a sink, in characters; a longer one is an issue: encoded, it is the name of a file. */
export const SINK_NAME_CHARS_MAX = 64;
/** How long a sink may take to open, in ms; then the attempt has failed. */
export const SINK_OPEN_MS_MAX = 60_000;
/** How long a sink may take to take one batch, in ms; then it has failed. */
export const SINK_WRITE_MS_MAX = 30_000;
/** How long a sink may take to make safe what it was given, in ms; then it has failed. */
export const SINK_FLUSH_MS_MAX = 120_000;
/** How long a sink may take to close, in ms; then it is no longer waited for. */
export const SINK_CLOSE_MS_MAX = 5_000;
/** How long a call to a sink may be under way before the sink counts as failing, in ms. */
export const SINK_SLOW_MS = 10_000;
/** Doublings of a sink's deadlines, one for each call in a row that came to them; no more beyond. */
export const SINK_DEADLINE_DOUBLINGS_MAX = 4;
/** First delay before a sink that failed is opened again, in ms. */
export const SINK_RETRY_MS_MIN = 250;
/**
 * Longest delay before a sink that failed is opened again, in ms; the delay grows to it and stays there. Short, because
 * everything that came in meanwhile waits for it too, and asking one's own server costs nothing.
 */
export const SINK_RETRY_MS_MAX = 2_000;
/** Delay before a sink that waits for a person is tried again, in ms. */
export const SINK_BLOCKED_RETRY_MS = 15_000;
/** Batches that are under way to one sink at the same time. */
export const SINK_WRITES_IN_FLIGHT_MAX = 64;
/** Files a text sink holds open; when reached, the one opened first is synced and closed. */
export const SINK_OPEN_FILES_MAX = 64;
/** How long a connection may take to open, in ms; then the attempt has failed. */
export const DIAL_TIMEOUT_MS = 10_000;
/** How long the call before a connect may take, in ms; then the attempt has failed. */
export const BOOTSTRAP_TIMEOUT_MS = 10_000;
/** Largest reply to the call before a connect, in bytes; a larger one fails the attempt. */
export const BOOTSTRAP_BYTES_MAX = 1024 * 1024;
/** Replies to a server's pings that wait for the send limit; when one more comes the oldest is left out. */
export const REPLIES_QUEUED_MAX = 16;
/** First delay before a rejected subscription is asked for again, in ms; it doubles with each further rejection. */
export const REJECTED_RETRY_MS_MIN = 10_000;
/** Longest delay before a rejected subscription is asked for again, in ms. */
export const REJECTED_RETRY_MS_MAX = 600_000;
/** Streams whose gaps are remembered. */
export const RHYTHMS_MAX = 50_000;
/** Largest file of them in bytes; a larger one is set aside. */
export const RHYTHMS_FILE_BYTES_MAX = 256 * 1024 * 1024;
/** How often they are written, in ms. */
export const RHYTHMS_SAVE_MS = 300_000;
/** Streams of quiet channels are judged where what they have shown leaves no longer silence, in ms. */
export const STALL_QUIET_LIMIT_MS_MAX = 3_600_000;
/** Shortest and longest time between two looks at silent streams, in ms. */
export const STALL_SWEEP_MS_MIN = 1000;
export const STALL_SWEEP_MS_MAX = 60_000;
/** Shortest time between two sockets that are replaced for streams that stand still, in ms, for each kind of step. */
export const STALL_TURN_MS_MIN = 300_000;
/** Rejections of one item on one socket after which it is not asked for again. */
export const REJECTED_TRIES_MAX = 8;
/** Longest delay before an unacknowledged request is sent again, in ms. */
export const RESUBSCRIBE_MS_MAX = 60_000;
/** Deltas that a book holds while it waits for a snapshot to join; when one more comes the oldest is left out. */
export const BOOK_BUFFER_DELTAS_MAX = 4096;
/** Deltas without a snapshot before them after which a pushed book counts as broken and is asked for again. */
export const BOOK_UNANCHORED_DELTAS_MAX = 100;
/** Books kept for one session; further ones leave unchecked, as they came. */
export const SESSION_BOOKS_MAX = 10_000;
/** Levels of one side of a book; a book with more is broken, as a gap says, until a smaller snapshot. */
export const BOOK_LEVELS_MAX = 100_000;
/** How long deltas may wait for a book's first snapshot, in µs of receive time; then they are in a gap. */
export const BOOK_BUFFERING_US_MAX = 10_000_000;
/** Updates below a book's mark, each following the one before, after which numbers have begun again. */
export const BOOK_RESET_UPDATES = 5;
/** The same where the exchange stamps them later than the mark. */
export const BOOK_RESET_UPDATES_NEWER = 2;
/** How long such a run lasts at least where its stamps are no newer than the mark, in µs of receive time. */
export const BOOK_RESET_LATE_US = 5_000_000;
/** How long such a run lasts at least after a snapshot from elsewhere, which may be ahead of its feed, in µs. */
export const BOOK_RESET_BRIDGE_US = 30_000_000;
/** How far an exchange's time may lie ahead of the time of receipt, in µs; one further ahead orders nothing. */
export const STAMP_AHEAD_US_MAX = 60_000_000;
/** How long an executed resync may take to bring a whole book, in ms; then it is done again, within its budget. */
export const BOOK_RESYNC_RETRY_MS = 30_000;
/** Moments kept for one host and one use; a limit of more than these in its window counts as one of these. */
export const LIMIT_MOMENTS_MAX = 10_000;
/** How far back moments are kept for limits, in ms: longer than any window that exchanges use. */
export const LIMIT_WINDOW_MS_MAX = 3_600_000;
/** Hosts whose limits are kept; beyond them the one unused for longest is forgotten. */
export const LIMIT_HOSTS_MAX = 1_000;
/** Largest file of kept limits, in bytes; a larger one is set aside. */
export const LIMITS_FILE_BYTES_MAX = 64 * 1024 * 1024;
/** Longest wait that a peer may ask for, in ms; a longer one is cut to it. */
export const RETRY_AFTER_MS_MAX = 24 * 3_600_000;
/** Redirects that one request follows; one more is a failure. */
export const FETCH_REDIRECTS_MAX = 5;
/** HTTP clients kept for different certificate authorities; beyond them the oldest is closed. */
export const HTTP_CLIENTS_MAX = 16;
/** How often the runtime looks whether journal and sinks make progress, in ms. */
export const PROGRESS_LOOK_MS = 1_000;
/** How long records may wait to be made safe, in ms; then /healthz names the journal. */
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
/** Smallest difference between the system's clock and the time reckoned on from it that counts as a step, in ms. */
export const CLOCK_STEP_MS_MIN = 2_000;
/** Most steps of the clock that wait for the journal; of further ones the first and the last stand for all. */
export const CLOCK_STEPS_MAX = 16;
/** Steps of the wall clock that a journal remembers for the age of its segments. */
export const JOURNAL_CLOCK_STEPS_MAX = 256;
/** Polls whose last answer is remembered; past it the one that was answered longest ago is forgotten. */
export const POLL_ANSWERS_MAX = 20_000;
/** Shortest secret, in characters, that outputs are searched for; a shorter one would tear ordinary words apart. */
export const SECRET_CHARS_MIN = 4;
/** Longest secret, in characters, that is hidden only where it stands as a word of its own. */
export const SECRET_WORD_CHARS_MAX = 7;
/** Requests over HTTP under way at once, over all hosts; further ones wait. */
export const REQUESTS_IN_FLIGHT_MAX = 64;
/** Requests over HTTP under way at once to one host; further ones wait. */
export const REQUESTS_PER_HOST_MAX = 16;
/** Of these, requests that can wait (polls, backfill), so that there is always room for a snapshot. */
export const POLLS_IN_FLIGHT_MAX = 8;
/** Longest wait for the answer to a request over HTTP, in ms; then the attempt has failed. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** First delay before a request over HTTP is sent again, in ms; it doubles with each failure. */
export const REQUEST_RETRY_MS_MIN = 500;
/** Longest delay before a poll that brought nothing is sent again, in ms, where its interval is shorter. */
export const POLL_RETRY_MS_MAX = 5_000;
/** Places of a difference between two plans that are named. */
export const PLAN_PARTS_SHOWN_MAX = 20;
/** Largest kept instrument list, in bytes; a larger one is set aside. */
export const KEPT_LIST_BYTES_MAX = 64 * 1024 * 1024;
/** First delay before an instrument list that lacks a configured symbol is asked for again, in ms; it doubles. */
export const INSTRUMENTS_REFRESH_MS_MIN = 60_000;
/** Longest such delay, in ms. */
export const INSTRUMENTS_REFRESH_MS_MAX = 3_600_000;
/** Most symbols that patterns of one instance may select; those beyond are left out, with a warning. */
export const PATTERN_SYMBOLS_MAX = 10_000;
/** Connections that the HTTP server keeps; a new one takes the place of the one that has been idle longest. */
export const HTTP_CONNECTIONS_MAX = 64;
/** How long a request may take to arrive, in ms, from its first byte on; then its connection is closed. */
export const HTTP_REQUEST_MS_MAX = 30_000;
/** A WebSocket whose client answers no ping for so long is closed, in seconds; idle ones are pinged at half of it. */
export const HTTP_SOCKET_IDLE_S = 20;
/** Gaps that the API remembers, the latest ones. */
export const API_GAPS_MAX = 1_000;
/** Most entries of one answer of the API, and how many there are where nobody says. */
export const API_ENTRIES_MAX = 10_000;
export const API_ENTRIES_DEFAULT = 1_000;
/** Deepest book that the API gives, in levels of a side, and how deep it is where nobody says. */
export const API_DEPTH_MAX = 5_000;
export const API_DEPTH_DEFAULT = 20;
/** Most days back that the API shows coverage of, and how many where nobody says. */
export const API_COVERAGE_DAYS_MAX = 31;
export const API_COVERAGE_DAYS_DEFAULT = 7;
/** Largest certificate that a running collector reads to show it, in bytes: reading one holds up everything else. */
export const COVERAGE_CERTIFICATE_BYTES_MAX = 16 * 1024 * 1024;
/** Certificates whose coverage is remembered, and most of them that are named as unreadable. */
export const COVERAGE_KEPT_MAX = 1_000;
export const COVERAGE_UNREADABLE_MAX = 20;
/** Clients that follow events at once; further ones are sent away. */
export const LIVE_CLIENTS_MAX = 1_000;
/** Most that waits for such a client, in characters; one that is slower than that is cut off. */
export const LIVE_QUEUE_CHARS_MAX = 4 * 1024 * 1024;
/** What is handed over to a client's connection at once, in characters. */
export const LIVE_CHUNK_CHARS = 64 * 1024;
/** Most that a WebSocket of such a client holds, in bytes. */
export const LIVE_SOCKET_BYTES_MAX = 256 * 1024;
/** How often a quiet stream of events shows that it lives, in ms. */
export const LIVE_BEAT_MS = 5_000;
/** How long such clients are given to read why they are sent away at the stop, in ms. */
export const LIVE_GOODBYE_MS = 200;
/** Largest request on such a WebSocket, in characters, and most requests a second. */
export const LIVE_REQUEST_CHARS_MAX = 64 * 1024;
export const LIVE_REQUESTS_PER_S = 20;
/** Subscriptions of one client, patterns of one list, and the longest pattern, in characters. */
export const LIVE_SUBSCRIPTIONS_MAX = 100;
export const LIVE_PATTERNS_MAX = 1_000;
export const LIVE_PATTERN_CHARS_MAX = 200;
/** Length of a bucket in which the page counts, in ms, and how many buckets it shows. */
export const PAGE_BUCKET_MS = 2_000;
export const PAGE_BUCKETS = 150;
/** How often open pages are told how things are, in ms, and how many pages may be open. */
export const PAGE_EVERY_MS = 1_000;
export const PAGE_CLIENTS_MAX = 32;
/** Gaps and lines of the log that the page shows. */
export const PAGE_GAPS = 100;
export const PAGE_LOG_LINES = 100;
/** Options of one request for normalised messages, and replays that run at once. */
export const TARDIS_OPTIONS_MAX = 100;
export const TARDIS_REPLAYS_MAX = 2;
/** Filters of one raw replay; more are refused. */
export const TARDIS_FILTERS_MAX = 1_000;
/** Sockets of one session of raw replays; one more is refused. */
export const TARDIS_SESSION_SOCKETS_MAX = 20;
/** A raw replay on sockets begins when none of them asked for anything for this long, in ms. */
export const TARDIS_SETTLE_MS = 1_000;
/** A raw replay whose sockets have not all asked for something by now is ended, in ms from its first socket. */
export const TARDIS_ASKED_MS_MAX = 10_000;
/** Recorded answers of one kind that are kept to answer as an exchange did; later ones are passed over. */
export const RECORDED_ANSWERS_MAX = 20_000;
/** Frames and their bytes that a draft of a descriptor is learned from; later ones are passed over. */
export const LEARNED_FRAMES_MAX = 20_000;
export const LEARNED_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of recorded REST answers that an emulated exchange keeps in memory; more are refused. */
export const RECORDED_HTTP_BYTES_MAX = 256 * 1024 * 1024;
/** Longest message of a client to an emulated exchange, in characters; a longer one is passed over. */
export const CLIENT_MESSAGE_CHARS_MAX = 1024 * 1024;
/** Shortest token of the API, in characters. */
export const HTTP_TOKEN_CHARS_MIN = 16;
/** How long an HTTP connection may stay idle, in ms; then it is closed. */
export const HTTP_IDLE_MS_MAX = 15_000;
/** How often the HTTP server looks for idle connections, in ms. */
export const HTTP_LOOK_MS = 5_000;
/** How long the HTTP server waits for a file that it needs for a connection, in ms; then it tries again. */
export const HTTP_RETRY_MS = 100;
/** Tries for the way from the HTTP port to the server behind it; then the client's connection is closed. */
export const HTTP_CONNECT_TRIES_MAX = 30;
/** How long a client that sends no more may wait for the begin of its answer while none is being made, in ms. */
export const HTTP_REPLY_MS = 1_000;
/** How long a connection stays open for its client to read the end of an answer, in ms. */
export const HTTP_LINGER_MS = 1_000;
/** Largest request body that is read, in bytes; a larger one is answered with 413. */
export const HTTP_REQUEST_BYTES_MAX = 1024 * 1024;
/** Names under which a journal was collected that are kept; the oldest are forgotten. */
export const COLLECTOR_NAMES_MAX = 1_000;
/** Longest name of a collector, in characters. */
export const COLLECTOR_NAME_CHARS_MAX = 64;
/** Bodies of messages that are sent to a broker at once, in bytes. */
export const SINK_MESSAGE_BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Streams of a destination that a sink knows to be its own; then all are looked at anew. */
export const SINK_STREAMS_SEEN_MAX = 20_000;
/** Names made of a sink's template that are remembered; then all are made anew. */
export const SINK_NAMES_KEPT_MAX = 20_000;
/** Combinations of exchange and symbol whose place in a sink's filter is remembered; then all are looked at anew. */
export const FILTER_MEMORY_MAX = 10_000;
/** Text that waits to be written to a standard stream, in bytes; further lines of the log are left out and counted. */
export const STREAM_QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Frames of a recording of unknown address that shipped descriptors are tried on. */
export const RECOGNISED_FRAMES_MAX = 200;
/** Most bytes of these frames. */
export const RECOGNISED_BYTES_MAX = 8 * 1024 * 1024;
/** Share of the frames that a descriptor has to read to be taken; another one may read half as many at most. */
export const RECOGNISED_SHARE_MIN = 0.5;
/** Most different entries that a count of faults, rules or symbols keeps apart; further ones are counted as `other`. */
export const TALLY_ENTRIES_MAX = 200;
/** Longest shape of a frame that a count names, in characters. */
export const SHAPE_CHARS_MAX = 160;
/** Depth, keys of an object and elements of an array that a frame's shape tells. */
export const SHAPE_DEPTH_MAX = 5;
export const SHAPE_MEMBERS_MAX = 24;
/** Stretches of streams that wait to be filled; further ones are told as not filled. */
export const FILLS_MAX = 4_096;
/** Events fetched for one stretch; then it is filled in part. */
export const FILL_EVENTS_MAX = 200_000;
/** Streams whose last event is remembered, so that what comes behind a gap can be compared with it. */
export const TAILS_MAX = 50_000;
/** Ids that are remembered of a stream whose ids say nothing of their order. */
export const TAIL_IDS_MAX = 64;
/** How long a stretch waits before its first request, in ms: histories lag behind streams. */
export const BACKFILL_DELAY_MS = 1_000;
/** Attempts of one request of a backfill, and of a stretch whose newer end is not in the history yet; then it is given up. */
export const BACKFILL_ATTEMPTS_MAX = 6;
/** Longest delay between them, in ms. */
export const BACKFILL_RETRY_MS_MAX = 30_000;
/** Pages of one stretch; then it is filled in part. */
export const BACKFILL_PAGES_MAX = 2_000;
/** Stretches of one instance that are asked for at once. */
export const BACKFILLS_AT_ONCE_MAX = 2;
/**
 * Longest time before the end of a socket's age at which its successor is opened, in ms; at least this long and at most
 * twice. Of short ages a tenth.
 */
export const ROTATION_LEAD_MS_MAX = 600_000;
/** How often a successor is looked at, in ms. */
export const ROTATION_LOOK_MS = 250;
/** How long a successor has to show all that its predecessor shows, before that one is closed, in ms. */
export const ROTATION_SETTLE_MS = 2_000;
/** Most sockets of one connection that show the same streams. */
export const SOCKETS_PER_CONNECTION_MAX = 3;
/** Most events of late whose identity a merge remembers; a copy that comes behind them is a new event. */
export const MERGE_IDENTITIES_MAX = 400_000;
/** Most rows of one Parquet file that a merge reads: it holds them all. */
export const MERGE_FILE_ROWS_MAX = 5_000_000;
/** Most gaps of one stream and collector that a merge remembers. */
export const MERGE_GAPS_MAX = 1_000;
/** How long a merge holds events back by default, within which it expects the copies of one, in µs. */
export const MERGE_WINDOW_US = 60_000_000;
/** How long an event that one of several sockets showed is remembered, so that the others' copies are known, in µs. */
export const SIBLING_WINDOW_US = 30_000_000;
/** Most such events of one connection; beyond it the oldest are forgotten, and a later copy is new. */
export const SIBLING_SIGHTINGS_MAX = 50_000;
/**
 * How long a socket waits, after an event that another one showed too, for those that it has shown alone, in µs: then it
 * passes what it shows, in whatever order the others' copies come.
 */
export const SIBLING_JOIN_US = 1_000_000;
/** How long a hole in the ids of a stream that several sockets show waits for a copy of another socket, in µs. */
export const LATE_COPY_US = 2_000_000;
/** Most such holes of one stream; a further one is told at once. */
export const LATE_HOLES_MAX = 64;
/** How long a socket that others follow may be silent on a stream that they show, before one of them takes over, in µs. */
export const SIBLING_PATIENCE_US = 10_000_000;
/** Most shares of a group; a configuration with more is refused. */
export const SHARES_MAX = 256;
/** Least and greatest `ttl` of a group, in ms; a configuration outside is refused. */
export const GROUP_TTL_MS_MIN = 1_000;
export const GROUP_TTL_MS_MAX = 3_600_000;
/** Longest time between two looks of a member at its group, in ms. */
export const GROUP_LOOK_MS_MAX = 1_000;

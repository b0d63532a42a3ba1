//! How long a client may keep the server waiting, and how much one person may have. Every limit has a name; tests make
//! those of a connection short.

use std::time::Duration;

/// Plans of one person, sealed by hand or by a token, that can still come to be run.
pub const OPEN_PLANS_PER_PERSON: u32 = 200;

/// The limits of a connection and of the requests on it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a client may take to send a request's headers, the first ones included.
    pub headers_within: Duration,
    /// How long a handler may take until its answer begins, its request's body included. Streams go on for longer,
    /// and an upload takes as long as it takes.
    pub answer_begins_within: Duration,
    /// How long a connection is kept on which nothing is under way.
    pub idle_for: Duration,
    /// How long a silent HTTP/2 connection is kept without an answer to a ping.
    pub ping_answered_within: Duration,
    /// How long a client may take none of the bytes that wait for it before they are not kept for it any more.
    pub silent_for: Duration,
    /// The same once the server stops.
    pub silent_at_the_end_for: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Connections at the same time from one address, unless it is a proxy's.
    pub connections_per_address: usize,
    /// How long a new connection keeps its place before its first request, however much others need one.
    pub newcomer_grace: Duration,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams: u32,
    /// How many bytes a client may send over HTTP/2 before they are read, in one request.
    /// More would hold more memory for each connection, and less would slow uploads over long distances.
    pub window_bytes: u32,
    /// The same for all requests of a connection: more, so that one whose bytes nobody reads holds up no other.
    pub connection_window_bytes: u32,
    /// The longest headers of a request over HTTP/1, in bytes, with its first line.
    pub header_bytes: usize,
    /// The longest headers of a request over HTTP/2, in bytes.
    pub header_list_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers_within: Duration::from_secs(20),
            answer_begins_within: Duration::from_secs(60),
            idle_for: Duration::from_secs(120),
            ping_answered_within: Duration::from_secs(20),
            silent_for: Duration::from_secs(30),
            silent_at_the_end_for: Duration::from_secs(2),
            connections: 1536,
            connections_per_address: 768,
            newcomer_grace: Duration::from_secs(1),
            streams: 64,
            window_bytes: 512 << 10,
            connection_window_bytes: 1 << 20,
            header_bytes: 64 << 10,
            header_list_bytes: 16 << 10,
        }
    }
}

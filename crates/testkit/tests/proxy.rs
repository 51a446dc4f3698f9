//! The proxy: it carries everything, late; it counts round trips; it breaks and falls silent when told to.

use std::net::Ipv4Addr;
use std::time::Duration;

use certferry_testkit::postgres::{Server, Settings};
use certferry_testkit::proxy::Proxy;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// For whatever must come but might not, were the proxy broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test takes: what is on its way for so long does not arrive.
const FAR_AWAY: Duration = Duration::from_hours(1);

struct Pair {
    listener: TcpListener,
    proxy: Proxy,
}

impl Pair {
    async fn new(latency: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let proxy = Proxy::start(listener.local_addr().expect("it is bound"), latency).await.expect("it starts");
        Self { listener, proxy }
    }

    /// Both ends of a new connection through the proxy.
    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).await.expect("the proxy listens");
        let (server, _) = in_time(self.listener.accept()).await.expect("the proxy connects");
        (client, server)
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

async fn hears(stream: &mut TcpStream, words: &[u8]) {
    let mut heard = vec![0; words.len()];
    in_time(stream.read_exact(&mut heard)).await.expect("the connection stands");
    assert_eq!(heard, words);
}

/// Whether nothing has come and the connection stands.
fn is_waiting(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// The connection ends, this way or that, without another byte.
async fn breaks(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    in_time(stream.read_to_end(&mut rest)).await.ok();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn everything_arrives_in_order_in_both_directions_at_once_and_so_does_the_end() {
    let pair = Pair::new(Duration::from_millis(10)).await;
    let payload: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let (client, server) = pair.connect().await;
    let exchange = async |mut stream: TcpStream| {
        let (mut from, mut to) = stream.split();
        let mut heard = Vec::new();
        let speak = async {
            to.write_all(&payload).await.unwrap();
            to.shutdown().await.unwrap();
        };
        let ((), read) = tokio::join!(speak, from.read_to_end(&mut heard));
        read.unwrap();
        heard
    };
    let (at_client, at_server) = in_time(async { tokio::join!(exchange(client), exchange(server)) }).await;
    assert!(at_client == payload && at_server == payload);
}

#[tokio::test]
async fn bytes_are_on_their_way_for_as_long_as_the_latency_was_when_they_were_sent() {
    let pair = Pair::new(FAR_AWAY).await;
    let (mut client, far) = pair.connect().await;
    client.write_all(b"late").await.unwrap();
    // The proxy has taken them when it has counted them.
    in_time(async {
        while pair.proxy.exchanges() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    pair.proxy.set_latency(Duration::from_millis(2));
    let (mut other, mut near) = pair.connect().await;
    for _ in 0..50 {
        other.write_all(b"soon").await.unwrap();
        hears(&mut near, b"soon").await;
        near.write_all(b"yes").await.unwrap();
        hears(&mut other, b"yes").await;
    }
    assert!(is_waiting(&far));
}

#[tokio::test]
async fn round_trips_are_counted_and_requests_sent_together_once() {
    let pair = Pair::new(Duration::ZERO).await;
    let (mut client, mut server) = pair.connect().await;
    for _ in 0..3 {
        client.write_all(b"one").await.unwrap();
        client.write_all(b"two").await.unwrap();
        hears(&mut server, b"onetwo").await;
        server.write_all(b"both").await.unwrap();
        hears(&mut client, b"both").await;
    }
    assert_eq!(pair.proxy.exchanges(), 3);
    let (mut second, mut its_server) = pair.connect().await;
    second.write_all(b"x").await.unwrap();
    hears(&mut its_server, b"x").await;
    assert_eq!((pair.proxy.exchanges(), pair.proxy.connections()), (4, 2));
}

#[tokio::test]
async fn a_cut_breaks_what_is_there_and_what_comes_until_it_is_restored() {
    let pair = Pair::new(Duration::ZERO).await;
    let (mut client, mut server) = pair.connect().await;
    pair.proxy.cut();
    breaks(&mut client).await;
    breaks(&mut server).await;
    let mut late = TcpStream::connect(pair.proxy.address()).await.unwrap();
    breaks(&mut late).await;

    pair.proxy.restore();
    let (mut client, mut server) = pair.connect().await;
    client.write_all(b"again").await.unwrap();
    hears(&mut server, b"again").await;

    pair.proxy.cut();
    pair.proxy.restore();
    breaks(&mut client).await;
}

#[tokio::test]
async fn a_black_hole_holds_everything_up_and_breaks_nothing() {
    let pair = Pair::new(Duration::ZERO).await;
    let (mut client, mut server) = pair.connect().await;
    client.write_all(b"before").await.unwrap();
    hears(&mut server, b"before").await;

    pair.proxy.blackhole();
    let mut newcomer = TcpStream::connect(pair.proxy.address()).await.unwrap();
    newcomer.write_all(b"hello").await.unwrap();
    // What was being read at that moment may be on its way to the next look at the link; nothing is delivered.
    client.write_all(b"during").await.unwrap();
    server.write_all(b"answer").await.unwrap();
    let other = Proxy::start(pair.listener.local_addr().unwrap(), Duration::ZERO).await.unwrap();
    let mut open = TcpStream::connect(other.address()).await.unwrap();
    let (mut its_server, _) = in_time(pair.listener.accept()).await.unwrap();
    for _ in 0..50 {
        open.write_all(b"tick").await.unwrap();
        hears(&mut its_server, b"tick").await;
    }
    assert!(is_waiting(&client) && is_waiting(&server));

    pair.proxy.restore();
    hears(&mut server, b"during").await;
    hears(&mut client, b"answer").await;
    let (mut its_server, _) = in_time(pair.listener.accept()).await.unwrap();
    hears(&mut its_server, b"hello").await;
}

#[tokio::test]
async fn a_client_whose_server_is_lost_sees_nothing_of_it_and_a_new_one_has_a_server() {
    let pair = Pair::new(Duration::ZERO).await;
    let (mut client, mut server) = pair.connect().await;
    client.write_all(b"before").await.unwrap();
    hears(&mut server, b"before").await;
    pair.proxy.lose_server();
    breaks(&mut server).await;
    client.write_all(b"into nothing").await.unwrap();
    pair.proxy.restore();
    let (mut newcomer, mut its_server) = pair.connect().await;
    for _ in 0..50 {
        newcomer.write_all(b"tick").await.unwrap();
        hears(&mut its_server, b"tick").await;
        its_server.write_all(b"tock").await.unwrap();
        hears(&mut newcomer, b"tock").await;
    }
    assert!(is_waiting(&client));
    assert_eq!(pair.proxy.connections(), 2);

    pair.proxy.cut();
    breaks(&mut client).await;
}

#[tokio::test]
async fn a_dropped_proxy_ends_its_connections() {
    let Pair { listener, proxy } = Pair::new(Duration::ZERO).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = in_time(listener.accept()).await.unwrap();
    drop(proxy);
    breaks(&mut client).await;
    breaks(&mut server).await;
}

#[tokio::test]
async fn a_database_can_be_reached_lost_and_reached_again() {
    let server = Server::start(Settings { tcp: true, ..Settings::default() }).await.unwrap();
    let upstream = (Ipv4Addr::LOCALHOST, server.tcp_port().unwrap()).into();
    let proxy = Proxy::start(upstream, Duration::from_millis(2)).await.unwrap();
    let url = format!("postgres://postgres@{}/postgres", proxy.address());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut connection).await.unwrap();
    assert_eq!(one, 1);
    proxy.cut();
    let lost: Result<i32, _> = in_time(sqlx::query_scalar("SELECT 1").fetch_one(&mut connection)).await;
    assert!(matches!(lost, Err(sqlx::Error::Io(_))), "{lost:?}");
    proxy.restore();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut connection).await.unwrap();
    assert_eq!(one, 1);
}

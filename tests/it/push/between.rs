//! A wire between a client and a server that can be cut at a chosen request.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use recon_testkit::{Call, Reply, World};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::runtime::Handle;

/// No request is held.
const NEVER: usize = usize::MAX;

/// Passes requests on to a world, answer by answer.
pub(crate) struct Between {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    world: Arc<World>,
    runtime: Handle,
    tls: Option<Arc<ServerConfig>>,
    passed: AtomicUsize,
    /// What the next requests of a method, or of any, are told instead of being passed on.
    refusals: Mutex<Vec<(Option<&'static str>, Reply)>>,
    /// The request whose answer is not handed on for now: it has its effect, and the client does not learn of it.
    held: Mutex<usize>,
    released: Condvar,
    told: Mutex<Option<Sender<()>>>,
}

impl Between {
    /// A wire to this world, on an address of its own.
    pub(crate) fn start(world: Arc<World>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            world,
            runtime: Handle::current(),
            tls,
            passed: AtomicUsize::new(0),
            refusals: Mutex::default(),
            held: Mutex::new(NEVER),
            released: Condvar::new(),
            told: Mutex::new(None),
        });
        // The listener outlives the test, and must not keep the test's server alive.
        let of_listener = Arc::downgrade(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(shared) = of_listener.upgrade() else { break };
                // A client that goes away is what these tests are about.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Counts requests from here on, and holds the answer to the one of this number, from 0. The receiver hears when
    /// that one has had its effect.
    pub(crate) fn hold(&self, number: usize) -> Receiver<()> {
        let (tell, told) = channel();
        *self.shared.told.lock().unwrap() = Some(tell);
        self.shared.passed.store(0, Ordering::SeqCst);
        *self.shared.held.lock().unwrap() = number;
        told
    }

    /// Tells the next requests these, without passing them on.
    pub(crate) fn refuse(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.shared.refusals.lock().unwrap() = replies.into_iter().map(|reply| (None, reply)).collect();
    }

    /// Tells the next requests of this method these, besides what others are told.
    pub(crate) fn refuse_of(&self, method: &'static str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().map(|reply| (Some(method), reply));
        self.shared.refusals.lock().unwrap().extend(replies);
    }

    /// How many of those are still to be told.
    pub(crate) fn refusals_left(&self) -> usize {
        self.shared.refusals.lock().unwrap().len()
    }

    /// Hands on every answer again, that which is held too.
    pub(crate) fn release(&self) {
        *self.shared.held.lock().unwrap() = NEVER;
        self.shared.released.notify_all();
    }
}

impl Shared {
    fn serve(&self, stream: std::net::TcpStream) -> Result<()> {
        match &self.tls {
            None => self.answer(stream),
            Some(config) => self.answer(StreamOwned::new(ServerConnection::new(config.clone())?, stream)),
        }
    }

    fn refusal(&self, method: &str) -> Option<Reply> {
        let mut refusals = self.refusals.lock().unwrap();
        let next = refusals.iter().position(|(of, _)| of.is_none_or(|of| of == method))?;
        Some(refusals.remove(next).1)
    }

    /// Reads one request, passes it on, and hands its answer back.
    fn answer(&self, stream: impl Read + Write) -> Result<()> {
        let mut stream = BufReader::new(stream);
        let call = request(&mut stream)?;
        if let Some(refusal) = self.refusal(&call.method) {
            return hand_back(stream.get_mut(), &refusal);
        }
        let reply = self.runtime.block_on(self.world.call(&call))?;
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        let held = self.held.lock().unwrap();
        if *held == number {
            if let Some(tell) = self.told.lock().unwrap().take() {
                tell.send(()).unwrap();
            }
            drop(self.released.wait_while(held, |held| *held == number).unwrap());
        } else {
            drop(held);
        }
        hand_back(stream.get_mut(), &reply)
    }
}

fn request(stream: &mut BufReader<impl Read + Write>) -> Result<Call> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().context("no method")?, words.next().context("no path")?);
    let mut call = Call::new(method, path);
    let (mut length, mut waits) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "expect" => waits = true,
            "host" | "connection" | "accept-encoding" => {}
            name => call = call.header(name, value.trim()),
        }
    }
    if waits {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.get_mut().flush()?;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(call.bytes(body))
}

fn hand_back(stream: &mut impl Write, reply: &Reply) -> Result<()> {
    let mut head = format!("HTTP/1.1 {} Told\r\nconnection: close\r\n", reply.status);
    if reply.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", reply.body.len()));
    }
    let framing = ["connection", "content-length", "transfer-encoding"];
    for (name, value) in reply.headers.iter().filter(|(name, _)| !framing.contains(&name.as_str())) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(&reply.body)?;
    Ok(stream.flush()?)
}

/// A server's side of TLS with a certificate made for it, and the certificate of who vouches for it, as PEM.
pub(crate) fn tls() -> (Arc<ServerConfig>, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server =
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let (certificate, key) = (server.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    (Arc::new(config), authority.pem())
}

//! Two connections that have switched protocols, each the other's continuation until the server's ends.

use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use super::body::Tally;
use crate::outcome::Outcome;
use crate::pool::replier::Replier;

/// What is carried at once, in bytes.
const PIECE: usize = 16 * 1024;
/// The longest that a client may take to hear of the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Carries bytes both ways. The limits of bodies hold for what passes.
pub(super) async fn relay(
    client: Upgraded,
    server: Upgraded,
    tally: &Tally,
    replier: &mut Replier,
) -> Outcome {
    let (mut from_client, mut to_client) = split(TokioIo::new(client));
    let (mut from_server, mut to_server) = split(TokioIo::new(server));
    let outcome = {
        let up = async {
            let end = carry(&mut from_client, &mut to_server, |len| tally.count(len)).await;
            // A client that sends no more may still listen.
            let _closed = to_server.shutdown().await;
            end
        };
        let down = carry(&mut from_server, &mut to_client, |len| replier.count(len));
        tokio::pin!(up, down);
        let mut sending = true;
        loop {
            tokio::select! {
                biased;
                end = &mut down => break match end {
                    End::Over | End::NotRead => Outcome::Replied,
                    End::NotWritten => Outcome::Abandoned,
                    End::Limit(outcome) => outcome,
                },
                end = &mut up, if sending => match end {
                    End::Over | End::NotWritten => sending = false,
                    End::NotRead => break Outcome::Abandoned,
                    End::Limit(outcome) => break outcome,
                },
            }
        }
    };
    let _gone = tokio::time::timeout(FAREWELL, to_client.shutdown()).await;
    outcome
}

/// Why nothing more is carried in one direction.
enum End {
    /// All has been.
    Over,
    /// Its source has broken off.
    NotRead,
    /// Nobody takes it any more.
    NotWritten,
    /// It was too much.
    Limit(Outcome),
}

/// Carries one way until the end.
async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut count: impl FnMut(usize) -> Result<(), Outcome>,
) -> End {
    let mut piece = vec![0; PIECE];
    loop {
        let len = match from.read(&mut piece).await {
            Ok(0) => return End::Over,
            Ok(len) => len,
            Err(_) => return End::NotRead,
        };
        if let Err(outcome) = count(len) {
            return End::Limit(outcome);
        }
        let piece = piece.get(..len).unwrap_or_default();
        if to.write_all(piece).await.is_err() || to.flush().await.is_err() {
            return End::NotWritten;
        }
    }
}

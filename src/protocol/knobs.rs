//! The knobs of protocols that gossip with repair: how many to tell, and how often to compare notes.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::node::{Context, Node};
use crate::time::Span;

/// The knobs of gossip with repair.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// To how many distinct random peers a node tells each new value.
    pub fanout: u32,
    /// How often a node compares its values with a random peer's; null for never.
    #[serde(deserialize_with = "period")]
    pub anti_entropy: Option<Span>,
}

/// A length of time that something is done again after, or null for never.
pub(super) fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    let or_null = |error| de::Error::custom(format!("{error}, or null for never"));
    match Option::deserialize(deserializer).map_err(or_null)? {
        Some(Span::ZERO) => {
            Err(de::Error::custom("no time at all would never end; give a length, or null for never"))
        }
        period => Ok(period),
    }
}

impl Default for Config {
    fn default() -> Config {
        Config { fanout: 2, anti_entropy: Some(Span::from_secs(1)) }
    }
}

/// The timers of gossip with repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Compare notes with a random peer.
    AntiEntropy,
}

impl Config {
    /// Sets the first timer, if there is to be any.
    pub(super) fn begin<N: Node<Timer = Timer>>(&self, ctx: &mut Context<'_, N>) {
        if let Some(period) = self.anti_entropy {
            // A random phase, so that nodes that start together do not exchange together.
            let phase = ctx.rng().span(Span::from_nanos(1), period);
            ctx.set_timer(Timer::AntiEntropy, phase);
        }
    }

    /// Sends the message to one random peer, if there is any, and sets the timer again.
    pub(super) fn exchange<N: Node<Timer = Timer>>(&self, message: N::Message, ctx: &mut Context<'_, N>) {
        ctx.send_to_peers(1, None, message);
        if let Some(period) = self.anti_entropy {
            ctx.set_timer(Timer::AntiEntropy, period);
        }
    }
}

//! Everything that can happen among a handful of nodes, one by one: sets of nodes, draws of peers, patterns of loss.
//!
//! It shares nothing with what it judges: it knows which node is which, and counts, instead of reasoning.

use std::collections::BTreeMap;

use crate::epidemic::{Mode, Sender, Setting};

/// What is known of a node: `None` if it is uninformed; else for how many rounds it has been informed, and from whom.
type Node = Option<(u32, usize)>;

/// The clusters that may be, and their probabilities.
type Clusters = BTreeMap<Vec<Node>, f64>;

/// After each round: the distribution of the number of informed nodes. At last, what is sent in the mean.
pub(super) struct Enumerated {
    pub(super) informed: Vec<Vec<f64>>,
    pub(super) sent: Sent,
}

/// The mean numbers of pushes and questions, and of answers.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) messages: f64,
    pub(super) answers: f64,
}

/// Plays all that can happen in so many rounds.
pub(super) fn enumerate(setting: &Setting, rounds: u32) -> Enumerated {
    let nodes = setting.nodes as usize;
    let mut start = vec![None; nodes];
    start[0] = Some((0, usize::MAX));
    let mut clusters = Clusters::from([(start, 1.0)]);
    let mut seen = Enumerated { informed: vec![informed(&clusters, nodes)], sent: Sent::default() };
    for _ in 0..rounds {
        let mut next = Clusters::new();
        for (cluster, p) in &clusters {
            // Who hears from whom, after one node's turn, and the next one's...
            let mut heard = BTreeMap::from([(vec![None; nodes], 1.0)]);
            for node in 0..nodes {
                heard = turn(setting, cluster, node, heard, &mut seen.sent, *p);
            }
            for (heard, q) in heard {
                *next.entry(older(setting, cluster, &heard)).or_insert(0.0) += p * q;
            }
        }
        clusters = next;
        seen.informed.push(informed(&clusters, nodes));
    }
    seen
}

fn informed(clusters: &Clusters, nodes: usize) -> Vec<f64> {
    let mut informed = vec![0.0; nodes + 1];
    for (cluster, p) in clusters {
        informed[cluster.iter().flatten().count()] += p;
    }
    informed
}

/// Ages stop counting where they no longer matter.
fn older(setting: &Setting, cluster: &[Node], heard: &[Option<usize>]) -> Vec<Node> {
    let oldest = match setting.mode {
        Mode::Push | Mode::Pull | Mode::PushPull => 0,
        Mode::PushOnce(_) => 1,
        Mode::Limited { copies } => copies,
    };
    let one = |(node, from): (&Node, &Option<usize>)| match (node, from) {
        (Some((age, from)), _) => Some(((age + 1).min(oldest), *from)),
        // Whom it was is only remembered where it matters.
        (None, Some(from)) if setting.mode == Mode::PushOnce(Sender::LeftOut) => Some((0, *from)),
        (None, Some(_)) => Some((0, 0)),
        (None, None) => None,
    };
    cluster.iter().zip(heard).map(one).collect()
}

fn turn(
    setting: &Setting,
    cluster: &[Node],
    node: usize,
    heard: BTreeMap<Vec<Option<usize>>, f64>,
    sent: &mut Sent,
    p: f64,
) -> BTreeMap<Vec<Option<usize>>, f64> {
    let loss = setting.loss.as_f64();
    let mut next = BTreeMap::new();
    let draws = subsets(&candidates(setting, cluster, node), contacts(setting, cluster, node));
    let pushes = cluster[node].is_some() && setting.mode != Mode::Pull;
    for draw in &draws {
        let share = 1.0 / draws.len() as f64;
        sent.messages += p * share * draw.len() as f64;
        if !pushes {
            let answering = draw.iter().filter(|&&peer| cluster[peer].is_some()).count() as f64;
            sent.answers += p * share * (1.0 - loss) * answering;
        }
        // Every pattern of loss: of each push, and of each question and answer.
        let legs = if pushes { 1 } else { 2 };
        for pattern in 0_u32..1 << (legs * draw.len()) {
            let chance: f64 = (0..legs * draw.len())
                .map(|leg| if pattern >> leg & 1 == 1 { loss } else { 1.0 - loss })
                .product();
            for (before, q) in &heard {
                let mut after = before.clone();
                for (at, &peer) in draw.iter().enumerate() {
                    let passed = pattern >> (legs * at) & ((1 << legs) - 1) == 0;
                    match pushes {
                        true if passed => after[peer] = after[peer].or(Some(node)),
                        false if passed && cluster[peer].is_some() => after[node] = Some(peer),
                        _ => {}
                    }
                }
                *next.entry(after).or_insert(0.0) += q * share * chance;
            }
        }
    }
    next
}

/// How many peers a node contacts in this round.
fn contacts(setting: &Setting, cluster: &[Node], node: usize) -> usize {
    let fanout = setting.fanout.min(setting.nodes - 1) as u32;
    let contacts = match (setting.mode, cluster[node]) {
        (Mode::Pull | Mode::PushPull, _) => fanout,
        (_, None) => 0,
        (Mode::Push, Some(_)) => fanout,
        (Mode::PushOnce(_), Some((age, _))) => {
            if age == 0 {
                fanout
            } else {
                0
            }
        }
        (Mode::Limited { copies }, Some((age, _))) => fanout.min(copies.saturating_sub(age * fanout)),
    };
    contacts as usize
}

fn candidates(setting: &Setting, cluster: &[Node], node: usize) -> Vec<usize> {
    let left_out = match (setting.mode, cluster[node]) {
        (Mode::PushOnce(Sender::LeftOut), Some((_, from))) => from,
        _ => usize::MAX,
    };
    (0..cluster.len()).filter(|&peer| peer != node && peer != left_out).collect()
}

/// All sets of so many of these, or the one of all if they are fewer.
fn subsets(of: &[usize], size: usize) -> Vec<Vec<usize>> {
    let size = size.min(of.len());
    let chosen =
        |bits: u32| of.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, &node)| node);
    (0_u32..1 << of.len())
        .map(|bits| chosen(bits).collect::<Vec<_>>())
        .filter(|set| set.len() == size)
        .collect()
}

/* The writer lease (DESIGN.md §5), as a model that spin checks in every interleaving.  model/check runs it with every
 * mutant; model/README.md says what each run stands for and what was found.
 *
 * N agents may hold the writer role; MONITORS processes share one store and change it by compare-and-swap on the term.
 * Time is discrete: all timers count down together in tick().  LEASE is the lease's length in ticks; the drift of clocks
 * and the margin m are not modelled.  A message may be lost or late, a process may stop and restart at any point.  One
 * process picks any enabled step, so every interleaving is explored.
 *
 * Property: no server is open (may take writes through the role's address) while another one is.
 *
 * A mutant is -DBUG_…: a rule left out.  What else is switched on: LATE (a report may be overtaken by newer ones and by
 * a restart of its agent), STORE_LOST (the store may be lost once: the monitor begins with an empty one), STORE_OLD (it
 * may be put back as it was at an earlier time).
 */
#ifndef N
#define N 2
#endif
#ifndef MONITORS
#define MONITORS 1
#endif
#ifndef LEASE
#define LEASE 2
#endif
#ifndef CHANGES /* how many decisions the monitors take in one run */
#define CHANGES 4
#endif
#ifndef STARTS /* how often a monitor takes over; only where a take-over raises the term */
#define STARTS 2
#endif
#define LAST (N - 1)
#define NONE 15
#define ALL ((1 << N) - 1)

/* WHICH(v, G): v becomes any agent for which G holds; blocks where there is none. */
#if N == 2
#define WHICH(v, G) if :: G(0) -> v = 0 :: G(1) -> v = 1 fi
#define HOLDERS (open[0] + open[1])
#else
#define WHICH(v, G) if :: G(0) -> v = 0 :: G(1) -> v = 1 :: G(2) -> v = 2 fi
#define HOLDERS (open[0] + open[1] + open[2])
#endif
#if MONITORS == 1
#define WHO(v, G) if :: G(0) -> v = 0 fi
#else
#define WHO(v, G) if :: G(0) -> v = 0 :: G(1) -> v = 1 fi
#endif

/* The store: the state that a monitor writes before it sends any of it.  The first promotion has been decided; which
 * host got it makes no difference. */
byte s_term = 1;        /* grows with every decision and every take-over */
byte s_writer = 0;      /* the host that should hold the writer role */
byte s_leaving = NONE;  /* the previous writer, not yet known to have ended */
#ifndef BEGIN /* the electable set at the beginning; 1: host 0 alone */
#define BEGIN ALL
#endif
byte s_electable = BEGIN; /* hosts that may be promoted without the writer's consent */
byte s_surely = BEGIN;  /* in every electable set that the writer may believe in */
bool s_known = true;    /* somebody was promoted once; else the store is empty */

/* Each monitor: what it has read and decided, and until when the last lease it granted has surely ended. */
bool m_up[MONITORS];
byte m_term[MONITORS];
byte m_writer[MONITORS];
byte m_leaving[MONITORS];
byte m_electable[MONITORS];
byte m_surely[MONITORS];
bool m_known[MONITORS];
byte m_granted[MONITORS];
#ifdef STORE_LOST
byte m_heard[MONITORS]; /* agents that said since the start, while the store knows nobody, that they are fenced */
bool lost = false;
#endif
#ifdef STORE_OLD
bool o_kept = false; bool o_back = false;
byte o_term; byte o_writer; byte o_leaving; byte o_electable; byte o_surely; bool o_known;
#endif

/* The agents */
bool writer[N];    /* holds the lease */
bool open[N];      /* its server may take writes: as writer, or given up and not yet fenced (durable, like term) */
bool told[N];      /* durable: was told to give the role up, and is not yet fenced */
byte lease[N];     /* ticks left of the lease; once given up: until the server is closed by force.  The kernel's lifetime
                      of the role's address is never longer than this. */
byte promised[N];  /* ticks for which this agent has promised a peer not to take the role */
byte electable[N]; /* durable: the peers whose promise this agent needs */
byte term[N];      /* durable: the highest term obeyed */
#ifdef BUG_TERM_FORGOTTEN
bool forgot[N];    /* lost its file since it last took the role: it does not know that it was writer */
#define KNOWS(x) (!forgot[x])
#else
#define KNOWS(x) true
#endif
bool resigned[N];  /* durable: gave the role up by itself (its server died): not again in this term */

/* One report of each agent: 0 none, 1 on its way to a monitor, 2 the answer on its way back.  beat_age counts from the
 * moment the agent SENT it: a lease is anchored there. */
byte beat[N]; byte beat_age[N]; byte beat_term[N]; bool beat_writer[N]; bool beat_open[N]; byte beat_set[N]; bool beat_resigned[N];
#ifdef LATE
/* One report of each agent that the agent itself has given up waiting for; 2: of an earlier run of the agent. */
byte late[N]; byte late_term[N]; bool late_writer[N]; bool late_open[N]; byte late_set[N]; bool late_resigned[N];
#endif
/* One round of promises asked by each agent, anchored likewise. */
bool ask[N]; byte ask_age[N]; byte ask_got[N]; byte ask_need[N]; byte ask_term[N];
byte changes = 0;
byte starts = 0;

inline drop_ask(x)  { ask[x] = false; ask_age[x] = 0; ask_got[x] = 0; ask_need[x] = 0; ask_term[x] = 0 }
inline drop_beat(x) { beat[x] = 0; beat_age[x] = 0; beat_term[x] = 0; beat_writer[x] = false; beat_open[x] = false; beat_set[x] = 0; beat_resigned[x] = false }
inline closed(x)    { writer[x] = false; open[x] = false; told[x] = false; lease[x] = 0; drop_ask(x) }
/* The role is given up; the server stays open until it is fenced, at the lease's end at the latest. */
inline give_up(x)   { writer[x] = false; drop_ask(x) }
inline extend(x, left) { if :: lease[x] < (left) -> lease[x] = left :: else fi }
#ifdef LATE
inline drop_late(x) { late[x] = 0; late_term[x] = 0; late_writer[x] = false; late_open[x] = false; late_set[x] = 0; late_resigned[x] = false }
inline keep_late(x, kind) {
  if :: beat[x] == 1 && late[x] == 0 -> late[x] = kind; late_term[x] = beat_term[x]; late_writer[x] = beat_writer[x];
        late_open[x] = beat_open[x]; late_set[x] = beat_set[x]; late_resigned[x] = beat_resigned[x]
     :: true
  fi }
#endif

inline stop(x) { m_up[x] = false; m_term[x] = 0; m_writer[x] = NONE; m_leaving[x] = NONE; m_electable[x] = 0; m_surely[x] = 0;
  m_known[x] = false; m_granted[x] = 0 }
inline load(x) { m_up[x] = true; m_term[x] = s_term; m_writer[x] = s_writer; m_leaving[x] = s_leaving; m_electable[x] = s_electable;
  m_surely[x] = s_surely; m_known[x] = s_known }
inline save(x) { s_term = m_term[x]; s_writer = m_writer[x]; s_leaving = m_leaving[x]; s_electable = m_electable[x];
  s_surely = m_surely[x]; s_known = m_known[x] }
/* Compare-and-swap: only the monitor whose term is the store's may write it. */
#ifdef BUG_NO_CAS
#define CURRENT(x) (m_up[x])
#else
#define CURRENT(x) (m_up[x] && m_term[x] == s_term)
#endif
#define MAY_DECIDE(x) (CURRENT(x) && changes < CHANGES)

inline tick() { d_step { t = 0;
  do
  :: t < N ->
     if :: lease[t] > 0 -> lease[t]--;
           if
#ifdef BUG_YIELD_WITHOUT_END
           :: lease[t] == 0 && !writer[t] -> skip
#endif
           :: lease[t] == 0 && writer[t] -> closed(t)
#ifndef BUG_YIELD_WITHOUT_END
           :: lease[t] == 0 && !writer[t] -> closed(t)
#endif
           :: else fi
        :: else fi;
     if :: promised[t] > 0 -> promised[t]-- :: else fi;
     if :: beat[t] > 0 && beat_age[t] < LEASE -> beat_age[t]++
        :: beat[t] > 0 && beat_age[t] == LEASE -> drop_beat(t)
        :: else fi;
     if :: ask[t] && ask_age[t] < LEASE -> ask_age[t]++
        :: ask[t] && ask_age[t] == LEASE -> drop_ask(t)
        :: else fi;
     t++
  :: else -> break
  od;
  t = 0;
  do
  :: t < MONITORS -> if :: m_granted[t] > 0 -> m_granted[t]-- :: else fi; t++
  :: else -> break
  od;
  t = 0 } }

/* The old writer has ended: it says so itself.  Terms give each host one duty, so what it says of this term stays true. */
#ifdef BUG_UNFENCED
#define CONFIRMED(x, r_term, r_writer, r_open) (r_term == m_term[x] && !r_writer)
#else
#define CONFIRMED(x, r_term, r_writer, r_open) (r_term == m_term[x] && !r_writer && !r_open)
#endif
#ifdef BUG_DEAD_ANY_TERM
#define DEAD(x, r_term, r_writer, r_resigned) (r_resigned && !r_writer)
#else
#define DEAD(x, r_term, r_writer, r_resigned) false
#endif

/* A monitor takes a report in: what it learns, and what it decides at once. */
inline take_in(x, a, r_term, r_writer, r_open, r_set, r_resigned) {
  if :: CURRENT(x) ->
#if defined(STORE_LOST) || defined(STORE_OLD)
     /* Nobody obeys a lower term: a monitor whose store is older than what its agents have seen goes above it. */
     if :: r_term > m_term[x] -> m_term[x] = r_term + 1 :: else fi;
#endif
#ifdef STORE_LOST
     if :: (!m_known[x] && !r_writer
#ifndef BUG_EMPTY_UNFENCED
            && !r_open
#endif
           ) -> m_heard[x] = m_heard[x] | (1 << a) :: else fi;
     /* An empty store: whoever holds a lease has lived on its peers' promises, and is taken over as it is, once nothing is
      * under way any more that was said from the store that is lost.  Until then it gets no answer. */
     if :: (!m_known[x] && r_writer
#ifndef BUG_ADOPTED_AT_ONCE
            && m_granted[x] == 0
#endif
           ) -> m_known[x] = true; m_writer[x] = a; m_term[x]++; m_heard[x] = 0;
#ifdef BUG_ADOPTED_ELECTABLE
           m_electable[x] = ALL; m_surely[x] = ALL
#else
           m_electable[x] = r_set; m_surely[x] = r_set
#endif
        :: else fi;
#endif
     if :: a == m_leaving[x] && (CONFIRMED(x, r_term, r_writer, r_open) || DEAD(x, r_term, r_writer, r_resigned)) ->
           m_leaving[x] = NONE; if :: m_writer[x] == NONE -> m_granted[x] = 0 :: else fi
        :: else fi;
     if :: a == m_writer[x] && r_term == m_term[x] && r_writer -> m_surely[x] = r_set :: else fi;
     /* The writer has resigned: the role is taken from it, or given to it again in a new term. */
     if :: a == m_writer[x] && r_term == m_term[x] && r_resigned && changes < CHANGES ->
           if :: m_writer[x] = NONE; m_leaving[x] = NONE; m_granted[x] = 0 :: skip fi;
           m_term[x]++; changes++
        :: else fi;
     save(x)
     :: else
  fi }

#ifdef BUG_GRANT_UNCHECKED
#define MAY_ANSWER(x, a) (m_up[x])
#else
/* A lease is granted only when, after the report came, the store still has this monitor's term. */
#define MAY_ANSWER(x, a) (CURRENT(x) || (m_up[x] && a != m_writer[x]))
#endif

#ifdef BUG_TAKEOVER_NO_WAIT
#define WAIT 0
#else
#define WAIT LEASE
#endif

/* Guards for WHICH and WHO. */
#define IS_ANY(x) true
#define IS_ANSWERED(x) (beat[x] == 2)
#define IS_SENT(x) (beat[x] == 1)
#define IS_BEATING(x) (beat[x] > 0)
#define IS_WRITER(x) writer[x]
#define IS_YIELDING(x) (open[x] && !writer[x])
#ifdef BUG_OLD_ANSWER
#define MAY_SEND(x) (beat[x] != 1)
#else
#define MAY_SEND(x) (beat[x] == 0)
#endif
#define IS_COMPLETE(x) (writer[x] && ask[x] && ((ask_got[x] & ask_need[x]) == ask_need[x]) && ask_age[x] < LEASE)
#define IS_UP(x) m_up[x]
#define IS_DOWN(x) (!m_up[x])
#define MAY_TAKE(x) (MAY_DECIDE(x) && m_writer[x] != NONE)
#define MAY_GIVE(x) (MAY_DECIDE(x) && m_writer[x] == NONE)
#ifdef LATE
#define IS_LATE(x) (late[x] > 0)
#endif

active proctype world() {
  byte i; byte j; byte x; byte t;
  d_step {
    do :: i < N -> electable[i] = ALL; i++ :: else -> break od; i = 0;
    do :: x < MONITORS -> stop(x); x++ :: else -> break od; x = 0
  }
  do
  :: tick()

  /* 1. An agent reports: its term, whether it holds the role, the electable set it believes in. */
  :: atomic { WHICH(i, MAY_SEND);
       if :: beat[i] == 2 -> beat_age[i] = 0 /* only as BUG_OLD_ANSWER: the answer under way is taken for one to this report */
          :: else -> beat[i] = 1; beat_term[i] = term[i]; beat_writer[i] = writer[i]; beat_open[i] = open[i];
             beat_set[i] = electable[i]; beat_resigned[i] = resigned[i]
       fi; i = 0 }
  /*    The report or its answer is lost, or the agent waits no longer. */
  :: atomic { WHICH(i, IS_BEATING);
#ifdef LATE
       keep_late(i, 1);
#endif
       drop_beat(i); i = 0 }

  /* 2. A monitor reads a report and answers with what it wants of this agent. */
  :: atomic { WHICH(i, IS_SENT);
#if MONITORS == 2
       if :: m_up[0] -> x = 0 :: m_up[1] -> x = 1 :: else -> x = NONE fi;
#else
       if :: m_up[0] -> x = 0 :: else -> x = NONE fi;
#endif
       if :: x != NONE ->
             take_in(x, i, beat_term[i], beat_writer[i], beat_open[i], beat_set[i], beat_resigned[i]);
#ifdef LATE
#ifdef BUG_OLD_INCARNATION
             if :: late[i] == 1 -> drop_late(i) :: else fi;
#else
             drop_late(i);
#endif
#endif
             if :: MAY_ANSWER(x, i) && (m_known[x] || !beat_writer[i]) ->
                   beat[i] = 2; beat_term[i] = m_term[x]; beat_writer[i] = (i == m_writer[x]); beat_set[i] = m_electable[x];
                   beat_open[i] = false; beat_resigned[i] = false;
                   if :: i == m_writer[x] -> m_granted[x] = LEASE :: else fi
                :: else -> drop_beat(i)
             fi
          :: else fi;
       i = 0; x = 0 }
#ifdef LATE
  /*    A report comes that its agent waits for no longer: nobody gets the answer. */
  :: atomic { WHICH(i, IS_LATE);
       if :: m_up[0] -> take_in(0, i, late_term[i], late_writer[i], late_open[i], late_set[i], late_resigned[i]);
             if :: i == m_writer[0] -> m_granted[0] = LEASE :: else fi
          :: else fi;
       drop_late(i); i = 0 }
#endif

  /* 3. The agent obeys the answer, unless it is older than what it has obeyed already. */
  :: atomic { WHICH(i, IS_ANSWERED);
       if :: beat_term[i] >= term[i] && beat_age[i] < LEASE ->
          if :: (beat_writer[i]
#ifndef BUG_RESIGNED_RETAKEN
                 && (!resigned[i] || beat_term[i] > term[i])
#endif
#ifndef BUG_PROMISE_IGNORED
                 && (writer[i] || promised[i] == 0)
#endif
                ) -> writer[i] = true; open[i] = true; told[i] = false; resigned[i] = false; term[i] = beat_term[i]; electable[i] = beat_set[i];
#ifdef BUG_ANCHORED_AT_ANSWER
                    extend(i, LEASE);
#else
                    extend(i, LEASE - beat_age[i]);
#endif
#ifdef BUG_TERM_FORGOTTEN
                    forgot[i] = false;
#endif
                    assert(HOLDERS <= 1)
             :: !beat_writer[i] -> if :: beat_term[i] > term[i] -> resigned[i] = false :: else fi;
                    term[i] = beat_term[i]; electable[i] = beat_set[i]; told[i] = open[i]; give_up(i)
             :: else fi
       :: else fi; drop_beat(i); i = 0 }
  /*    A server whose agent has given the role up is fenced. */
  :: atomic { WHICH(i, IS_YIELDING); closed(i); i = 0 }

  /* The writer's server dies: its agent gives the role up at once and says so in its next report. */
  :: atomic { WHICH(i, IS_WRITER); closed(i); resigned[i] = true; i = 0 }

  /* 4. The monitor is silent: the writer asks every electable peer to promise.  A new round replaces the old one. */
  :: atomic { WHICH(i, IS_WRITER); ask[i] = true; ask_age[i] = 0; ask_need[i] = electable[i]; ask_term[i] = term[i];
#ifdef BUG_OLD_ROUND
       ask_got[i] = ask_got[i] | (1 << i);
#else
       ask_got[i] = 1 << i;
#endif
       i = 0 }
  /*    A peer that knows no later term promises: for one lease it will not take the role.  The answer may be lost. */
  :: atomic { WHICH(i, IS_WRITER); WHICH(j, IS_ANY);
       if :: (i != j && ask[i]
#ifndef BUG_PROMISE_WHILE_WRITER
             && !writer[j]
#endif
#ifndef BUG_PROMISE_LATER_TERM
             && term[j] <= ask_term[i]
#endif
             ) ->
#ifdef BUG_PROMISE_SHORTER
             if :: promised[j] < LEASE - 1 -> promised[j] = LEASE - 1 :: else fi;
#else
             promised[j] = LEASE;
#endif
             if :: ask_got[i] = ask_got[i] | (1 << j) :: skip fi
          :: else fi; i = 0; j = 0 }
  /*    All have promised: the lease runs on from when they were asked. */
  :: atomic { WHICH(i, IS_COMPLETE);
       if :: (true
#ifndef BUG_PROMISES_OF_OTHER_TERM
             && term[i] == ask_term[i]
#endif
             ) ->
#ifdef BUG_EXTENDED_FROM_ANSWERS
             extend(i, LEASE)
#else
             extend(i, LEASE - ask_age[i])
#endif
          :: else fi;
       drop_ask(i); i = 0 }

  /* 5. An agent restarts.  It has forgotten its promises, so it acts as if it had just made one.  As long as the kernel
   *    shows the role's address, it may go on as the writer that it was, unless it has been told to give the role up. */
  :: atomic { WHICH(i, IS_ANY);
#ifdef LATE
       if :: late[i] == 1 -> late[i] = 2 :: else fi;
       keep_late(i, 2);
#endif
       give_up(i); drop_beat(i);
#ifdef BUG_PROMISE_FORGOTTEN
       promised[i] = 0;
#else
       promised[i] = LEASE;
#endif
#ifdef BUG_RESIGNED_FORGOTTEN
       resigned[i] = false;
#endif
       if :: (open[i] && lease[i] > 0 && KNOWS(i)
#ifndef BUG_RESUMED_TOLD
              && !told[i]
#endif
             ) -> writer[i] = true;
#ifdef BUG_RESUMED_LONGER
             lease[i] = LEASE
#endif
          :: true;
#ifdef BUG_TERM_FORGOTTEN
             forgot[i] = true; term[i] = 0; electable[i] = 0; resigned[i] = false /* the file with the durable part is lost */
#endif
       fi; i = 0 }

  /* 6. A monitor stops, or notices that another has taken over. */
  :: atomic { WHO(x, IS_UP); stop(x);
#ifdef STORE_LOST
       m_heard[x] = 0;
#endif
#ifdef LATE
       do :: i < N -> drop_late(i); i++ :: else -> break od; i = 0; /* what was on its way to it went with it */
#endif
       x = 0 }
  /*    A monitor starts: it acts as if it had just granted a lease.  Where there are two, the other may still be running,
   *    so whoever takes over raises the term. */
#if MONITORS == 1
  :: atomic { WHO(x, IS_DOWN); load(x); m_granted[x] = WAIT; x = 0;
#ifdef STORE_LOST
       /* A report reaches the process it was sent to, never one that began later. */
       do :: i < N -> if :: beat[i] == 1 -> drop_beat(i) :: else fi; i++ :: else -> break od; i = 0
#endif
     }
#else
  :: atomic { starts < STARTS -> WHO(x, IS_DOWN);
#ifndef BUG_TAKEOVER_TERM_KEPT
       s_term++;
#endif
       starts++; load(x); m_granted[x] = WAIT; x = 0 }
#endif
#ifdef STORE_LOST
  :: atomic { !m_up[0] && !lost -> lost = true; s_term = 0; s_writer = NONE; s_leaving = NONE; s_electable = ALL; s_surely = ALL; s_known = false }
#endif
#ifdef STORE_OLD
  :: atomic { !o_kept -> o_kept = true; o_term = s_term; o_writer = s_writer; o_leaving = s_leaving; o_electable = s_electable; o_surely = s_surely; o_known = s_known }
  :: atomic { o_kept && !o_back && !m_up[0] -> o_back = true; s_term = o_term; s_writer = o_writer; s_leaving = o_leaving; s_electable = o_electable; s_surely = o_surely; s_known = o_known }
#endif

  /* 7. The monitor changes who is electable.  Removing counts at once, adding once the writer has acknowledged a set that
   *    holds the host: until then it may extend its lease without it. */
  :: atomic { WHO(x, MAY_TAKE); WHICH(j, IS_ANY);
       if :: j != m_writer[x] -> m_electable[x] = m_electable[x] ^ (1 << j); m_term[x]++; changes++;
#ifdef BUG_ADDED_UNACKNOWLEDGED
             m_surely[x] = (m_surely[x] | (1 << j)) & m_electable[x];
#else
#ifndef BUG_REMOVED_LATE
             m_surely[x] = m_surely[x] & m_electable[x];
#endif
#endif
             save(x)
          :: else fi; j = 0; x = 0 }
  /* 8. The monitor takes the role away ... */
  :: atomic { WHO(x, MAY_TAKE); m_leaving[x] = m_writer[x]; m_writer[x] = NONE; m_term[x]++; changes++; save(x); x = 0 }
  /*    ... and gives it out: at once if the old writer has confirmed, else when its lease has surely ended and it cannot
   *    have extended it without the new writer's promise.  An old writer that gets it back unconfirmed may still believe
   *    in the set it had. */
  :: atomic { WHO(x, MAY_GIVE); WHICH(j, IS_ANY);
       if :: m_known[x] && (m_leaving[x] == NONE || j == m_leaving[x] || (m_granted[x] == 0
#ifndef BUG_NOT_ELECTABLE
             && (m_surely[x] & (1 << j))
#endif
             )) ->
             m_electable[x] = ALL;
             if
#ifndef BUG_GIVEN_BACK
                :: j == m_leaving[x] -> skip
#endif
                :: else -> m_surely[x] = ALL
             fi;
             m_writer[x] = j; m_leaving[x] = NONE; m_term[x]++; changes++; save(x)
          :: (!m_known[x] && m_granted[x] == 0
#if defined(STORE_LOST) && !defined(BUG_EMPTY_STORE)
             && m_heard[x] == ALL /* an empty store can not know who was writer: everybody is heard first */
#endif
             ) -> m_known[x] = true; m_electable[x] = ALL; m_surely[x] = ALL; m_writer[x] = j; m_term[x]++; changes++;
#ifdef STORE_LOST
             m_heard[x] = 0;
#endif
             save(x)
          :: else fi; j = 0; x = 0 }
  od
}

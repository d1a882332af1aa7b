package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	bakeSessions  = 50 // that are read at a time
	bakePages     = 20 // times that they are, in one poll
	bakePace      = 15 * time.Second
	leastFailures = 3           // sessions that prove something
	maxLogs       = 20          // that are read each time
	logReads      = 3           // of a session's log, which may be late
	mostDown      = time.Minute // for which reads may not show that it serves
)

// Bake watches a deployment that serves, and the sessions of its real callers. It ends
// early where the deployment fails or serves no longer, or most of its sessions fail,
// and does not end well before a poll shows that it serves. Lasting 0, it does nothing. Its error is a
// *verdict.Failure.
func Bake(ctx context.Context, api Calls, agent string, t revision.Target, p Policy, lasts time.Duration, emit event.Emitter) error {
	if lasts == 0 {
		return nil
	}
	b := bake{api: api, agent: agent, target: t, began: time.Now(), ended: map[string]*ended{}, old: map[string]bool{}}
	p.MinReady = 0
	var history History
	var failure *verdict.Failure
	var last revision.State
	var down time.Time // since when no poll has shown that it serves
	enough := b.began.Add(lasts)
	l := newLoop(enough.Add(mostDown+2*slowest), emit)
	l.known = true
	l.heartbeat = func() event.Heartbeat { return event.Heartbeat{Still: "watched", For: time.Since(b.began)} }
	err := l.until(ctx, func(ctx context.Context) (news, error) {
		doc, err := api.Agent(ctx, agent)
		if err != nil {
			history = history.ReadFailed()
			return news{}, err
		}
		o := revision.Observe(doc, t)
		var serves bool
		serves, failure, history = Judge(o, p, history, time.Now())
		if serves {
			down = time.Time{}
		} else if span := since(&down, time.Now()); failure == nil && span >= mostDown {
			failure = &verdict.Failure{Reason: verdict.Bake, Message: fmt.Sprintf("%s has not served calls for %s", t.Deployment(), quantity.Span(span))}
		}
		changed := o.State != last
		last = o.State
		events := []event.Event{event.Observed{Observation: o, Changed: changed, Elapsed: time.Since(l.start)}}
		if failure == nil && (b.before == nil || time.Since(b.sessionsRead) >= bakePace) && b.readSessions(ctx) {
			seen := b.callers()
			events = append(events, seen)
			failure = b.judge(seen)
		}
		over := serves && !time.Now().Before(enough)
		return news{events: events, changed: changed, done: failure != nil || over}, nil
	})
	switch {
	case failure != nil && failure.Status == verdict.Superseded:
		return failure
	case failure != nil:
		failed := *failure
		failed.Status, failed.Reason = verdict.Failed, verdict.Bake
		return &failed
	case ctx.Err() != nil:
		return verdict.NewCancelled("the job was stopped while it watched %s, which keeps serving calls", t.Deployment())
	case errors.Is(err, errDeadline):
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("the API could not be read at the end of bake-time, so whether %s still serves calls is not known: %v", t.Deployment(), cmp.Or(l.lastErr, errNoAnswer))}
	case err != nil:
		return err
	}
	b.readSessions(ctx)
	seen := b.callers()
	seen.End = true
	emit.Emit(seen)
	failure = b.judge(seen)
	emit.Emit(event.WaitEnded{})
	if failure == nil {
		return nil // and no nil of a *verdict.Failure's
	}
	return failure
}

// bake is what is known of the sessions since it began.
type bake struct {
	api          Sessions
	agent        string
	target       revision.Target
	began        time.Time
	sessionsRead time.Time
	before       map[string]bool   // the sessions of the first poll, and whether they are not of this time; nil until they are read
	sorted       bool              // those that only began before have been taken out of it
	active       int               // sessions of the target, when they were last read
	ended        map[string]*ended // of the target, by their ids
	old          map[string]bool   // of other deployments
	raised       []exception       // in the sessions that failed
}

// exception is what bot() raised, how many sessions it ended, and the error lines of the first.
type exception struct {
	said     string
	sessions int
	lines    []string
}

// ended is a session of the target that is over.
type ended struct {
	id     string
	failed bool
	void   bool // it proves nothing of the deployment
	reads  int  // of its log
	known  bool // its log can show nothing more
}

// readSessions takes the sessions that ended since its first read. It reports false where they
// cannot be read. Their ids show which are new, because the platform's clock may be another;
// those that a list shows no longer, because there are many, still count.
func (b *bake) readSessions(ctx context.Context) bool {
	b.sessionsRead = time.Now()
	ctx, cancel := context.WithTimeout(ctx, bakePace)
	defer cancel()
	sessions, err := b.list(ctx)
	if err != nil {
		return false
	}
	if b.before == nil {
		b.before = map[string]bool{}
		for _, s := range sessions {
			b.before[s.ID] = true
		}
	} else if !b.sorted { // a test call's session, which may have no name, is over already
		b.sorted = true
		for _, s := range sessions {
			if b.before[s.ID] {
				b.before[s.ID] = s.Over()
			}
		}
	}
	b.active = 0
	var over []*ended
	for _, s := range sessions {
		switch {
		case b.before[s.ID]:
		case s.DeploymentID == "": // nobody knows whose it is
		case s.DeploymentID != b.target.ID:
			b.old[s.ID] = true
		case !s.Over():
			b.active++
		default:
			over = append(over, b.end(s))
		}
	}
	slices.SortStableFunc(over, func(x, y *ended) int { return cmp.Compare(x.reads, y.reads) })
	logs := 0
	for _, e := range over {
		if !e.known && e.reads < logReads && logs < maxLogs && ctx.Err() == nil { // the rest is read the next time
			logs++
			b.readLog(ctx, e)
		}
	}
	return true
}

// list reads the sessions back to those of the first poll, the newest first: of an agent
// with many callers, the newest alone may all be active. What cannot be read of them is
// read the next time.
func (b *bake) list(ctx context.Context) (all []pipecat.Session, err error) {
	listed := map[string]bool{}
	for page := range bakePages {
		sessions, err := b.api.Sessions(ctx, b.agent, pipecat.SessionFilter{Limit: bakeSessions, Offset: page * bakeSessions})
		if err != nil && page == 0 {
			return nil, err
		}
		more := false
		for _, s := range sessions {
			if !listed[s.ID] {
				listed[s.ID], more = true, true
				all = append(all, s)
			}
		}
		known := slices.ContainsFunc(sessions, func(s pipecat.Session) bool { _, was := b.before[s.ID]; return was })
		if b.before == nil || known || !more || len(sessions) < bakeSessions {
			break
		}
	}
	return all, nil
}

// callers is what real callers have met so far.
func (b *bake) callers() event.Baked {
	seen := event.Baked{Active: b.active, Old: len(b.old), For: time.Since(b.began), NotRead: b.before == nil}
	for _, e := range b.ended {
		if e.void {
			continue
		}
		if seen.Sessions++; e.failed {
			seen.Failed++
		}
	}
	return seen
}

// end takes a session that is over. A short one alone is a caller who hung up.
func (b *bake) end(s pipecat.Session) *ended {
	e := b.ended[s.ID]
	if e == nil {
		e = &ended{id: s.ID}
		b.ended[s.ID] = e
	}
	if !e.known {
		e.failed, e.known = e.failed || s.Failed(), s.NotStarted()
	}
	return e
}

// readLog takes what a session's log shows. One that waited for an offer which never came
// proves nothing of the deployment, whatever its state.
func (b *bake) readLog(ctx context.Context, e *ended) {
	e.reads++
	lines, err := b.api.SessionLogs(ctx, b.agent, e.id, sessionLines)
	if err != nil {
		return
	}
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.Text)
	}
	switch v := judgeLog(texts); v.Answer {
	case verdict.NoAnswer:
		e.failed, e.known = true, true
		i := slices.IndexFunc(b.raised, func(e exception) bool { return e.said == v.Said })
		if i < 0 {
			i = len(b.raised)
			b.raised = append(b.raised, exception{said: v.Said, lines: withoutInfo(texts)})
		}
		b.raised[i].sessions++
	case verdict.Unproven:
		e.failed, e.void, e.known = false, true, true
	default:
		e.known = slices.ContainsFunc(texts, func(line string) bool { return strings.Contains(line, lastLine) })
	}
}

// sample counts those whose log was read.
func (b *bake) sample() (total, failed int) {
	for _, e := range b.ended {
		if e.reads == 0 || e.void {
			continue
		}
		if total++; e.failed {
			failed++
		}
	}
	return total, failed
}

// mostFailed reports whether so many sessions of all prove something.
func mostFailed(failed, total int) bool { return failed >= leastFailures && 2*failed > total }

// judge says that most sessions failed, and shows what ended most of them; nil where
// that is not so.
func (b *bake) judge(seen event.Baked) *verdict.Failure {
	total, failed, which := seen.Sessions, seen.Failed, ""
	if !mostFailed(failed, total) { // there may be more of them than logs are read of
		total, failed = b.sample()
		which = ", of those whose log was read,"
	}
	if !mostFailed(failed, total) {
		return nil
	}
	share := fmt.Sprintf("%d of the first", failed)
	if failed == total {
		share = "all"
	}
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Bake,
		Message: fmt.Sprintf("%s %s of %s%s failed", share, quantity.Count(total, "session"), b.target.Deployment(), which)}
	if len(b.raised) > 0 {
		most := slices.MaxFunc(b.raised, func(x, y exception) int { return cmp.Compare(x.sessions, y.sessions) })
		f.Show(verdict.FromAgentLog, strings.Join(most.lines, "\n"))
	}
	return f
}

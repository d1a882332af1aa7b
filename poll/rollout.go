package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// Rollout waits until the target serves, or with AcceptedOnly until documents show it,
// at most until the deadline. Its error is a *verdict.Failure, also soon after ctx is
// canceled.
func Rollout(ctx context.Context, api Agents, agent string, t revision.Target, p Policy, deadline time.Time, emit event.Emitter) error {
	var (
		history  History
		last     revision.Observation
		since    = time.Now() // of last.Stage
		failure  *verdict.Failure
		reported bool                            // the platform's issue
		errs     = map[pipecat.AgentError]bool{} // that are reported
	)
	l := newLoop(deadline, emit)
	l.known = t.Previous != ""
	l.heartbeat = func() event.Heartbeat { return event.Heartbeat{Still: last.Stage.In(), For: time.Since(since)} }
	err := l.until(ctx, func(ctx context.Context) (news, error) {
		doc, err := api.Agent(ctx, agent)
		if err != nil {
			history = history.ReadFailed()
			return news{}, err
		}
		now := time.Now()
		o := revision.Observe(doc, t)
		var done bool
		done, failure, history = Judge(o, p, history, now)
		if o.Stage != last.Stage {
			since = now
		}
		changed := o.State != last.State || len(o.NewErrors) != len(last.NewErrors)
		last = o
		events := []event.Event{event.Observed{Observation: o, Changed: changed, Elapsed: now.Sub(l.start)}}
		var texts []string
		for _, e := range o.NewErrors {
			if !errs[e] {
				errs[e] = true
				texts = append(texts, revision.Text(e))
			}
		}
		if texts != nil {
			events = append(events, event.PlatformErrors{Texts: texts})
		}
		if history.Infrastructure && !reported {
			reported = true
			events = append(events, event.PlatformIssue{})
		}
		return news{events: events, changed: changed, near: history.Started || !history.errorSince.IsZero() || !history.otherSince.IsZero(), done: done}, nil
	})
	emit.Emit(event.WaitEnded{})
	switch {
	case err == nil && failure != nil:
		return failure
	case err == nil:
		return nil
	case errors.Is(err, errDeadline):
		return timedOut(l, t, p, history, last, time.Since(since))
	case ctx.Err() != nil && t.Unchanged():
		return verdict.NewCancelled("the job was stopped before %s was seen to serve calls, with the deployment %s", t.Name(), last.Stage.In())
	case ctx.Err() != nil:
		return verdict.NewCancelled("the job was stopped after the update was accepted, with the deployment %s; its rollout continues without it", last.Stage.In())
	}
	return err
}

// timedOut is the failure when there was no verdict before the deadline.
func timedOut(l *loop, t revision.Target, p Policy, h History, last revision.Observation, stuck time.Duration) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.TimedOut}
	limit := quantity.Limit(time.Since(l.start).Round(time.Second))
	if l.isUnread() {
		f.Reason = verdict.API
		f.Message = fmt.Sprintf("the API could not be read when wait-timeout was up, after %s: %v", limit, cmp.Or(l.lastErr, errNoAnswer))
		return f
	}
	what, more := t.Name()+" did not become ready", ""
	errs := last.NewErrors
	if t.Unchanged() {
		errs = last.Errors
	}
	switch {
	case len(errs) > 0 && !last.Serves:
		code := errs[0].Code
		f.Reason, f.Code = reasonOfCode(code), code
		f.Show(verdict.FromPlatform, errorTexts(errs))
	case h.Infrastructure:
		f.Reason = verdict.Infrastructure
		more = ", and the platform reports an infrastructure issue"
	case last.Serving == revision.ServingOurs && last.ReadyReplicas < p.MinReplicas:
		f.Reason, f.Cause = verdict.NotReady, verdict.TooFewReplicas
		what = fmt.Sprintf("%s serves, but with only %d of %s ready", t.Name(), max(0, last.ReadyReplicas), quantity.Count(p.MinReplicas, "replica"))
	case !h.readySince.IsZero():
		f.Reason = verdict.NotReady
		what = t.Name() + " is ready, but was not for min-ready-seconds"
	case p.AcceptedOnly || last.Stage == revision.StaleRead:
		f.Reason = verdict.API
		what = fmt.Sprintf("the API did not show deployment %s", t.ID)
	case !h.Started:
		f.Reason = verdict.NotScheduled
		what = "no replica of " + t.Name() + " was ever started"
	default:
		f.Reason = verdict.NotReady
		if h := last.Health; h != nil {
			if _, stuck := cannotStart(h); stuck {
				cannot := notStarted(h)
				f.Reason, f.Evidence, more = cannot.Reason, cannot.Evidence, ", and "+cannot.Message
			} else {
				f.ExitCode = h.LastExitCode
				f.Show(verdict.FromContainer, h.Message)
			}
		}
	}
	f.Message = fmt.Sprintf("%s within wait-timeout (%s): it has been %s for %s%s", what, limit, last.Stage.In(), quantity.Span(stuck), more)
	return f
}

package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxSent   = 4                // requests whose answer is lost, before the update is given up
	toldEvery = 20 * time.Second // that the update is sent again later
	maxAsked  = 30 * time.Second // that an API which asks for patience is given by a read
)

// Taken is an update that the platform took.
type Taken struct {
	ID       string         // of the deployment that is desired now
	Previous string         // of the one before, "" for a new agent
	Agent    *pipecat.Agent // its answer, or the agent as it was found
	Doubtful bool           // it may be another's, who asked for the same: its id came in no answer, or with a warning
}

// Unchanged reports whether the platform made no new deployment.
func (t Taken) Unchanged() bool { return t.ID == t.Previous }

// Verdict is what the job came to, given what the rollout did: a green one is
// unchanged when the platform made no new deployment. A red one stays red, for
// what was asked for does not serve, whoever deployed it.
func (t Taken) Verdict(rollout verdict.Verdict) verdict.Verdict {
	if rollout.Status.OK() && t.Unchanged() {
		return verdict.Verdict{Status: verdict.Unchanged}
	}
	return rollout
}

// Apply makes the change: one request that the platform takes, and so at most
// one new deployment. An answer that is lost is looked for in the agent before
// anything is sent again. Errors are a *verdict.Verdict.
func Apply(ctx context.Context, api API, c Change, deadline time.Time, report func(Event)) (Taken, error) {
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	a := applier{api: api, Change: c, report: report, pace: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second), backoff.WithMaxInterval(10*time.Second),
		backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))}
	agent, err := a.send(timed)
	last := error(a.last)
	if a.last == nil {
		last = errors.New("no answer came")
	}
	switch {
	case err == nil:
		return Taken{ID: agent.Desired(), Previous: c.Previous(), Agent: agent, Doubtful: a.lost > 0 || agent.Warning != ""}, nil
	case ctx.Err() != nil:
		v := verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped,
			Message: fmt.Sprintf("the job was stopped before the platform took %s, so %s", a.what(), a.otherwise())}
		if a.open || a.lost > 0 {
			v.Message = fmt.Sprintf("the job was stopped while %s was under way; it may have been taken, so look at the agent before you run it again", a.what())
		}
		return Taken{}, &v
	case timed.Err() != nil:
		v := verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Refused,
			Message: fmt.Sprintf("the platform did not take %s before wait-timeout was up, so %s: %v", a.what(), a.otherwise(), last)}
		if a.open || a.lost > 0 {
			v.Reason = verdict.API
			v.Message = fmt.Sprintf("%s had no clear answer before wait-timeout was up; it may have been taken, so look at the agent before you run it again: %v", a.what(), last)
		}
		return Taken{}, &v
	}
	return Taken{}, err
}

type applier struct {
	Change
	api    API
	report func(Event)
	pace   *backoff.ExponentialBackOff
	last   *pipecat.Error // what the last request came to
	open   bool           // a request may have been taken, and is yet to be looked for
	lost   int            // requests without a clear answer
	told   time.Time      // that the update is sent again later
}

// send sends the request until the platform took or refused it, and returns
// the agent that has it.
func (a *applier) send(ctx context.Context) (*pipecat.Agent, error) {
	for {
		if agent, err := a.uncontested(ctx); agent != nil || err != nil {
			return agent, err
		}
		a.open = true
		agent, err := a.post(ctx)
		if err == nil {
			return a.confirmed(ctx, agent)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.last = asError(err)

		final := a.final(ctx)
		// What may have been taken is looked for before anything is sent again, and
		// once more before anything is said to have failed.
		if final != nil && a.lost > 0 && !a.open {
			a.open = true
			a.report(Doubted{final})
		}
		if a.open {
			if agent, err := a.find(ctx, a.patience(final != nil)...); agent != nil || err != nil {
				return agent, err
			}
		}
		if final != nil {
			return nil, final
		}
		if err := a.hold(ctx, max(a.pace.NextBackOff(), a.last.RetryAfter)); err != nil {
			return nil, err
		}
		if agent, err := a.find(ctx, 0); agent != nil || err != nil {
			return agent, err
		}
	}
}

// confirmed is the agent that the update's answer shows. When that is still the
// one before, although what was asked for is another, the answer may lag behind
// the update, and so the agent is looked at until it does not.
func (a *applier) confirmed(ctx context.Context, agent *pipecat.Agent) (*pipecat.Agent, error) {
	stale := contradicts(a.Settings, image(agent))
	if agent.Desired() != a.Previous() || !stale && !a.Force && a.Undoes == "" {
		return agent, nil
	}
	a.last = &pipecat.Error{Method: http.MethodPost, Status: http.StatusOK, Err: errors.New("it shows the deployment before")}
	a.lose(a.last)
	if newer, err := a.find(ctx, a.patience(true)...); newer != nil || err != nil {
		return newer, err
	}
	if stale {
		return nil, failed(verdict.API, nil, "the platform says that it took "+a.what()+", but shows no deployment of %s: deployment %s, of %s, is still the one that is desired",
			cmp.Or(a.Settings.Image, "build "+a.Settings.BuildID), agent.Desired(), image(agent))
	}
	return agent, nil
}

// final takes note of the last answer, and returns an error when it is no use
// to send the request again.
func (a *applier) final(ctx context.Context) error {
	e := a.last
	deadline, _ := ctx.Deadline()
	tooLong := time.Until(deadline) < e.RetryAfter
	switch {
	case e.Status == http.StatusConflict, e.Status == http.StatusTooManyRequests:
		a.open = false
		if tooLong {
			return failed(verdict.Refused, e, "%s is given up, for the platform asks to wait for %s, which is longer than wait-timeout allows: %v", a.what(), e.RetryAfter, e)
		}
		return a.provisioned(ctx)
	case !e.Temporary():
		a.open = false
		return a.refused()
	}
	a.lose(e)
	if a.lost == maxSent || tooLong {
		return failed(verdict.API, e, "%s got no clear answer, and the agent shows no new deployment (requests sent: %d): %v", a.what(), a.lost, e)
	}
	return nil
}

// lose takes note of a request that may have been taken.
func (a *applier) lose(why error) {
	a.lost++
	a.report(Lost{why})
	a.told = time.Time{} // what is done about it is news
}

// patience is how long it takes until a read surely shows a write: the breaks
// between looks. It is longer where what was taken would else be made twice, or
// be said to have failed.
func (a *applier) patience(final bool) []time.Duration {
	breaks := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	if final || a.Force || a.Before == nil || a.Undoes != "" {
		breaks = append(breaks, 15*time.Second)
	}
	return breaks
}

func (a *applier) post(ctx context.Context) (*pipecat.Agent, error) {
	if a.Before == nil {
		return a.api.CreateAgent(ctx, pipecat.CreateRequest{ServiceName: a.Name, Region: a.NewRegion, Settings: a.Settings})
	}
	return a.api.UpdateAgent(ctx, a.Name, pipecat.UpdateRequest{Settings: a.Settings, ForceRedeploy: a.Force})
}

// provisioned is an error when a conflict is one with a secret set that will
// never be ready.
func (a *applier) provisioned(ctx context.Context) error {
	set := a.Settings.SecretSet
	if set == "" || a.last.Status != http.StatusConflict {
		return nil
	}
	s, err := a.api.SecretSet(ctx, set)
	if err != nil || s.Status != pipecat.SecretFailed {
		return nil
	}
	v := failed(verdict.Refused, a.last, "secret set %q could not be provisioned, so %s was not made; save it again, then run the job again", set, a.what())
	v.Detail = s.ErrorMessage
	return v
}

// hold waits before the request is sent again, and tells so now and then.
func (a *applier) hold(ctx context.Context, wait time.Duration) error {
	for wait > 0 {
		if time.Since(a.told) >= toldEvery {
			a.told = time.Now()
			a.report(Held{Why: a.last, Next: wait})
		}
		part := min(wait, toldEvery)
		if err := sleep(ctx, part); err != nil {
			return err
		}
		wait -= part
	}
	return nil
}

// find looks, after each of the breaks, whether a request whose answer was lost
// has been taken. It returns nil when none was.
func (a *applier) find(ctx context.Context, breaks ...time.Duration) (*pipecat.Agent, error) {
	if a.lost == 0 {
		return nil, nil
	}
	var theirs error     // another deployment is there, in whose place ours may show yet
	silent := time.Now() // since
	for len(breaks) > 0 {
		if time.Since(silent) >= toldEvery {
			silent = time.Now()
			a.report(Unseen{})
		}
		if err := sleep(ctx, breaks[0]); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Name)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && asError(err).Temporary():
			// What lost the answer may well lose this one.
			wait := max(a.pace.NextBackOff(), min(asError(err).RetryAfter, maxAsked))
			a.report(Unread{Why: err, Next: wait})
			if err := sleep(ctx, wait); err != nil {
				return nil, err
			}
			continue
		case err != nil && status(err) != http.StatusNotFound:
			return nil, failed(verdict.API, a.last, "%s got no clear answer (%v) and the agent cannot be read, so it is not known whether it was taken: %v", a.what(), a.last, err)
		}
		breaks = breaks[1:]
		if err != nil || !a.newer(agent) {
			continue
		}
		switch other := differs(a.Settings, agent); {
		case a.Before == nil && (a.since().IsZero() || agent.DesiredCreatedAt().IsZero()):
			theirs = failed(verdict.API, nil, "the request to create the agent got no clear answer, and the API does not tell whether deployment %s was there before it, so it is not known whether it is ours; look at the agent before you run it again: %v", agent.Desired(), a.last)
		case !tells(a.Settings, agent):
			theirs = failed(verdict.API, nil, "%s got no clear answer, and the API does not tell what deployment %s is, so it is not known whether it is ours; look at the agent before you run it again: %v", a.what(), agent.Desired(), a.last)
		case other == "":
			return agent, nil
		default:
			theirs = &verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced,
				Message: fmt.Sprintf("%s got no clear answer, and meanwhile deployment %s took over, which is not ours: its %s", a.what(), agent.Desired(), other)}
		}
	}
	a.open = false
	return nil, theirs
}

// newer reports whether an agent's deployment is another than before, and is not
// told to be an older one: a read may lag by more than one, or may have missed
// an agent that there is.
func (a *applier) newer(agent *pipecat.Agent) bool {
	switch agent.Desired() {
	case "", a.Previous(), a.Restores:
		return false
	}
	made := agent.DesiredCreatedAt()
	return made.IsZero() || !made.Before(a.since())
}

func (a *applier) refused() error {
	e := a.last
	what := a.what()
	if a.Before == nil {
		what = "to create the agent"
	}
	switch {
	case e.Unauthorized():
		return denied(e)
	case e.Status < 400:
		return failed(verdict.API, e, "the API does not take %s: %v", what, e)
	}
	return failed(verdict.Refused, e, "the platform refuses %s: %s", what, e.Detail())
}

// what names the change to who reads of it.
func (a *applier) what() string {
	if a.Undoes != "" {
		return "the rollback"
	}
	return "the update"
}

// otherwise says what holds when the change was not made.
func (a *applier) otherwise() string {
	if a.Undoes != "" {
		return "deployment " + a.Undoes + " stays"
	}
	return "nothing was deployed"
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

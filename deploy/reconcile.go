package deploy

import (
	"context"
	"slices"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// lookupDelays is how long it takes until a read surely shows a write: the delays
// between reads. It is longer where what was accepted would else be made twice, or
// be said to have failed. What the API itself refuses, or explains, was not accepted,
// so that one read is enough.
func (a *applier) lookupDelays(final bool) []time.Duration {
	isBusy := a.last != nil && classify(a.last) == responseBusy
	twice := a.force() || a.Baseline.Agent == nil || a.Reverts != nil
	switch {
	case a.responsesLost == 0 && a.explained, a.responsesLost == 0 && isBusy && !twice && !final:
		return []time.Duration{0}
	case a.responsesLost == 0 && final && a.isRefusedByAPI() && !a.busyBefore:
		return []time.Duration{0}
	}
	delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	if a.responsesLost > 0 && final || twice && !final {
		delays = append(delays, 15*time.Second)
	}
	return delays
}

// isRefusedByAPI reports whether the API itself says that the last request is not one to accept.
func (a *applier) isRefusedByAPI() bool { return classify(a.last) == responseRefusedByAPI }

// lookup is a search for the deployment that a request may have made, over some reads.
type lookup struct {
	final    error           // what becomes of the change if none is found; nil when the request is sent again
	other    otherDeployment // one that reads show instead
	theirs   error           // why that is not ours, though ours may show in its place yet
	shown    string          // the new deployment of the last read; "" where it shows none
	notFound bool            // the last read found no agent
	odd      int             // reads that something in between answered
	silent   pacing.Throttle // that the lookup continues
}

// reconcile looks, after each of the delays, whether the last request has been
// accepted, or one before it whose response was lost. It returns nil when none was.
// Final is what becomes of the change then; nil when the request is sent again.
func (a *applier) reconcile(ctx context.Context, final error, delays ...time.Duration) (*pipecat.Agent, error) {
	l := &lookup{final: final, silent: pacing.Throttle{Every: reportEvery}}
	l.silent.Start()
	a.theirs = nil
	for len(delays) > 0 {
		agent, err := a.read(ctx, l, delays[0])
		if err != nil {
			return nil, err
		}
		delays = delays[1:]
		if found, err := a.consider(agent, l); found != nil || err != nil {
			return found, err
		}
		if l.theirs != nil && a.responsesLost > 0 && len(delays) == 0 {
			delays = l.other.more(l.shown)
		}
	}
	return nil, a.conclude(l)
}

// read reads the agent after a delay, and tries again while the API is away. It
// returns nil where there is no agent.
func (a *applier) read(ctx context.Context, l *lookup, delay time.Duration) (*pipecat.Agent, error) {
	for {
		if l.silent.Due() {
			a.emit.Emit(event.Retrying{Try: event.TryLookup})
		}
		if err := pacing.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Request.Agent)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil:
			return agent, nil
		case asError(err).Temporary(), a.isOdd(err, l):
			// What lost the response may well lose this one.
			wait := pacing.After(a.pace, asError(err).RetryAfter)
			a.emit.Emit(event.Retrying{Try: event.TryLookup, Err: err, In: wait})
			if err := pacing.Sleep(ctx, wait); err != nil {
				return nil, err
			}
		case missing(err):
			return nil, nil
		case l.final != nil && a.responsesLost == 0 && a.last.Unauthorized() && asError(err).Unauthorized():
			return nil, l.final
		default:
			if a.responsesLost == 0 { // nothing says that it was not accepted
				a.lose(a.last)
			}
			return nil, failed(verdict.API, a.last, "%s got no usable response (%v) and the agent cannot be read, so it is not known whether it was accepted: %v", a.what(), a.last, err)
		}
	}
}

// isOdd reports whether a read failed that may well succeed the next time, though its
// answer does not say so.
func (a *applier) isOdd(err error, l *lookup) bool {
	if missing(err) || asError(err).Unauthorized() {
		return false
	}
	l.odd++
	return l.odd <= maxOdd
}

// consider judges one read, which may have found no agent. It returns the agent if it
// has the change, or an error that ends the lookup.
func (a *applier) consider(agent *pipecat.Agent, l *lookup) (*pipecat.Agent, error) {
	l.shown, l.notFound = "", agent == nil
	switch {
	case agent == nil:
		return nil, nil
	case a.isNew(agent):
		l.shown = agent.Desired()
		l.other.show(l.shown)
		l.theirs = a.another(agent)
		if l.theirs == nil && a.named != "" && l.shown != a.named && time.Since(l.other.since) < revision.WriteTime {
			l.theirs = verdict.NewSuperseded("the response to %s names deployment %s, but deployment %s has taken over", a.what(), a.named, l.shown)
		}
		if l.theirs == nil {
			return agent, nil
		}
		if l.other.lasts() {
			a.theirs = l.theirs
		}
		a.maybeLost(agent, l.final)
	case a.hasAll(agent, l.final):
		return agent, nil
	}
	if a.Baseline.Agent == nil && a.responsesLost == 0 && a.last.FromAPI && !a.explained { // the creation was refused because of this agent
		return nil, &existing{agent}
	}
	return nil, nil
}

// conclude takes note of what a lookup without success says of the last request. It
// returns an error when another deployment, or none that can be read, ends the change.
func (a *applier) conclude(l *lookup) error {
	if l.notFound && l.final != nil && a.responsesLost == 0 && a.Baseline.Agent != nil && (!a.isRefusedByAPI() || a.busyBefore) {
		a.lose(a.last) // the last read shows no agent, and so nothing of what was sent
	}
	a.open = false
	switch {
	case a.responsesLost > 0 && l.notFound && l.theirs != nil && !l.other.lasts():
		return failed(verdict.API, a.last, "%s got no usable response (%v) and the agent cannot be read, so it is not known whether it was accepted", a.what(), a.last)
	case a.responsesLost > 0:
		return l.theirs
	case l.theirs != nil && a.Reverts == nil: // a request that is sent again replaces it
		a.earlier = l.other.id
	}
	return nil // the platform has answered, and nothing says that it made a deployment
}

// otherDeployment is one that is not as was asked for, as reads show it.
type otherDeployment struct {
	id           string
	since, until time.Time
	stale        int // reads that did not show it, once it was shown
}

// maxOdd is how many reads something in between may answer, such as a firewall, before
// the lookup is given up.
const maxOdd = 3

func (o *otherDeployment) show(id string) {
	if o.id != id {
		o.id, o.since = id, time.Now()
	}
	o.until = time.Now()
}

// lasts reports whether reads have shown it for long enough.
func (o *otherDeployment) lasts() bool { return o.until.Sub(o.since) >= revision.WriteTime }

// more is how long to wait for reads that decide whether the deployment is another client's,
// given what the last one shows.
func (o *otherDeployment) more(shown string) []time.Duration {
	switch left := revision.WriteTime - time.Since(o.since); {
	case shown != o.id && o.stale < 4: // the read is stale, or shows nothing
		o.stale++
		return []time.Duration{4 * time.Second}
	case shown == o.id && left > 0:
		return []time.Duration{left}
	}
	return nil
}

// maybeLost takes note of a new deployment that says something of a request which
// something other than the API itself seems to refuse: it may be of the request, or may have
// replaced what the request made.
func (a *applier) maybeLost(agent *pipecat.Agent, final error) {
	unlike := settings.Compare(a.Expected, agent).Match == settings.Different
	if a.responsesLost == 0 && !a.explained && !a.isRefusedByAPI() && (final != nil || !unlike) {
		a.lose(a.last)
	}
}

// hasAll reports whether an agent without a new deployment has all that is asked for,
// of a change that takes none.
func (a *applier) hasAll(agent *pipecat.Agent, final error) bool {
	if a.NeedsDeployment() || agent.Desired() != a.previous() || final != nil && a.responsesLost == 0 {
		return false
	}
	return !a.moves(agent)
}

// moves reports whether the change would still change an agent.
func (a *applier) moves(agent *pipecat.Agent) bool {
	return slices.ContainsFunc(settings.Diff(agent, a.Settings), func(c settings.Change) bool { return c.Moves })
}

// isNew reports whether an agent shows a deployment that the change may have made.
func (a *applier) isNew(agent *pipecat.Agent) bool {
	return agent.Desired() != "" && !a.isStale(agent)
}

// isStale reports whether an agent shows a deployment from before the last request.
func (a *applier) isStale(agent *pipecat.Agent) bool {
	return a.replaces.IsStale(agent) || a.earlier != "" && agent.Desired() == a.earlier
}

// another says why a new deployment is not the one that the change made; nil when it
// is.
func (a *applier) another(agent *pipecat.Agent) error {
	asked := settings.Compare(a.Expected, agent)
	switch {
	case agent.Desired() == a.named && asked.Match != settings.Different:
		return nil
	case asked.Match == settings.Different && a.undated(agent):
		return failed(verdict.API, nil, "the request to create the agent got no usable response, and the API does not say whether deployment %s was there before it, so it is not known whether it is ours; check the agent before you run the job again: %v", agent.Desired(), a.last)
	case asked.Match == settings.Unknown && !a.answered:
		return failed(verdict.API, nil, "%s got no usable response, and the API does not say what deployment %s is, so it is not known whether it is ours; check the agent before you run the job again: %v", a.what(), agent.Desired(), a.last)
	case asked.Match == settings.Different:
		return verdict.NewSuperseded("%s got no usable response, and deployment %s, which is not ours, took over: its %s", a.what(), agent.Desired(), asked)
	case !a.answered && !a.NeedsDeployment() && a.moves(agent): // it is not made by what takes no deployment
		return verdict.NewSuperseded("%s got no usable response, and deployment %s, which is not ours, took over without it", a.what(), agent.Desired())
	}
	return nil
}

// undated reports whether nothing says that a created agent was not there before.
func (a *applier) undated(agent *pipecat.Agent) bool {
	return a.Baseline.Agent == nil && (a.replaces.CreatedAt.IsZero() || agent.DesiredCreatedAt().IsZero())
}

// stillOurs makes sure, before a rollback is sent, that the deployment which it
// undoes is still the one that is desired. It returns the agent when that has the
// rollback already.
func (a *applier) stillOurs(ctx context.Context) (*pipecat.Agent, error) {
	if a.Reverts == nil {
		return nil, nil
	}
	var shown string
	for _, delay := range a.lookupDelays(false) {
		if err := pacing.Sleep(ctx, delay); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Request.Agent)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, failed(verdict.API, err, "the agent cannot be read, so another client may have deployed since: %v", err)
		case agent.Desired() == a.Reverts.ID:
			if other := settings.Compare(a.Reverts.Asked, agent); other.Match == settings.Different {
				return nil, verdict.NewSuperseded("deployment %s is not ours, and is not touched: its %s", a.Reverts.ID, other)
			}
			a.replaces.KnownErrors = agent.Errors
			return nil, nil
		case !a.isNew(agent): // the read is stale
			shown = agent.Desired()
			continue
		}
		if a.last != nil { // it may be the rollback
			if found, err := a.reconcile(ctx, nil, 0); found != nil || err != nil {
				return found, err
			}
		}
		return nil, verdict.NewSuperseded("deployment %s took over, which is not touched", agent.Desired())
	}
	return nil, failed(verdict.API, nil, "the agent shows deployment %s, so another client may have deployed since", shown)
}

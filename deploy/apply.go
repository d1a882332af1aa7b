package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxLost     = 4                // requests whose response is lost, before the update is given up
	reportEvery = 20 * time.Second // that the update is sent again later
)

// Accepted is an update that the platform accepted; in a job that makes none, the
// deployment that is there (see Current).
type Accepted struct {
	Plan     Plan           // that was sent: a creation that meets an agent becomes an update
	ID       string         // of the deployment that is desired now
	Previous string         // of the one before; "" for a new agent
	Original string         // of the one before that, which a rollback restores; "" when it is no rollback
	Agent    *pipecat.Agent // the response, or the agent as it was found
	// Asked is what documents have to show of the deployment, and KnownErrors are
	// those that the agent had before.
	Asked       pipecat.Settings
	KnownErrors []pipecat.AgentError
	// Ambiguous says that the deployment may be another client's, who asked for the
	// same: no response named it, or the response came with a warning.
	Ambiguous bool
}

// Unchanged reports whether the platform made no new deployment.
func (a Accepted) Unchanged() bool { return a.Target().Unchanged() }

// Status is how a job ends whose deployment was accepted and, if waited for, serves.
func (a Accepted) Status(waited bool) verdict.Status {
	switch {
	case a.Unchanged():
		return verdict.Unchanged
	case waited:
		return verdict.Ready
	}
	return verdict.Deployed
}

// Target is the deployment to poll.
func (a Accepted) Target() revision.Target {
	t := revision.Target{ID: a.ID, Previous: a.Previous, Asked: a.Asked, KnownErrors: a.KnownErrors, CreatedAt: a.Agent.DesiredCreatedAt()}
	if !t.Unchanged() {
		t.Original = a.Original
	} else if before := a.Plan.Baseline.Agent; before != nil {
		t.Restarts = revision.Restarts(before, a.ID)
	}
	return t
}

// Apply makes the change: one request that the platform accepts, and so at most
// one new deployment. A response that is lost is looked for in the agent before
// anything is sent again. Errors are a *verdict.Failure.
func Apply(ctx context.Context, api API, p Plan, deadline time.Time, emit event.Emitter) (Accepted, error) {
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	agent, a, err := apply(timed, api, p, emit)
	var exists *existing
	if errors.As(err, &exists) { // which the read before missed, or another client has made
		var again Plan
		if again, err = p.onto(exists.agent); err == nil {
			p = again
			emit.Emit(p.Event())
			agent, a, err = apply(timed, api, p, emit)
		}
	}
	switch {
	case err == nil:
		accepted := Accepted{Plan: p, ID: agent.Desired(), Previous: p.previous(), Original: a.replaces.Original, Agent: agent,
			Asked: p.Expected, KnownErrors: a.replaces.KnownErrors, Ambiguous: a.isAmbiguous(agent)}
		emit.Emit(event.Accepted{ID: accepted.ID, Previous: accepted.Previous, Region: agent.Region, Warning: agent.Warning})
		return accepted, nil
	case ctx.Err() != nil:
		err = a.cancelled()
	case timed.Err() != nil && a.responsesLost > 0 && a.theirs != nil:
		err = a.theirs
	case timed.Err() != nil:
		err = a.timedOut()
	}
	return Accepted{}, p.keepsSecrets(err)
}

// isAmbiguous reports whether the agent's deployment may be another client's. One that the
// only response named is not, though that showed what was there before.
func (a *applier) isAmbiguous(agent *pipecat.Agent) bool {
	isNamed := a.named != "" && agent.Desired() == a.named
	return agent.Warning != "" || a.responsesLost > 1 || a.responsesLost == 1 && !isNamed
}

// apply sends one plan.
func apply(ctx context.Context, api API, p Plan, emit event.Emitter) (*pipecat.Agent, *applier, error) {
	a := &applier{Plan: p, api: api, emit: emit, replaces: p.target(),
		pace: pacing.Exponential(time.Second, backoff.DefaultMultiplier, 10*time.Second), report: pacing.Throttle{Every: reportEvery}}
	agent, err := a.send(ctx)
	return agent, a, err
}

// applier sends one plan.
type applier struct {
	Plan
	api           API
	emit          event.Emitter
	replaces      revision.Target // the deployment that the plan makes; its ID is not known
	pace          backoff.BackOff
	report        pacing.Throttle // that the update is sent again later
	last          *pipecat.Error  // of the last request; nil while there is none
	open          bool            // a request may have been accepted, and is yet to be looked for
	sent          int             // requests
	responsesLost int             // those without a clear response
	theirs        error           // another deployment is there, as reads show it for long enough
	named         string          // the deployment that a response named which showed other settings
	answered      bool            // the last request was answered as a success is
	earlier       string          // the deployment of another client that reads showed before the last request
	// busyBefore says that a request before the last one was answered by a conflict, or by
	// a limit of the rate, which does not surely say that it was not accepted.
	busyBefore bool
	// explained says that a conflict is one with a set that is not ready, so that the
	// request was not accepted.
	explained bool
}

// send sends the request until the platform accepts or refuses it, and returns
// the agent that has it. Whatever comes back but a clear success, the agent is read
// before the request is sent again, and before anything is said of it.
func (a *applier) send(ctx context.Context) (*pipecat.Agent, error) {
	for {
		if agent, err := a.stillOurs(ctx); agent != nil || err != nil {
			return agent, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.open = true
		a.sent++
		agent, err := a.post(ctx)
		if err == nil {
			return a.confirm(ctx, agent)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.last = asError(err)
		final := a.outcome(ctx)
		if final != nil && a.responsesLost > 0 && !a.last.Temporary() {
			a.emit.Emit(event.ResponseLost{Err: final, Refused: true})
		}
		if agent, err := a.reconcile(ctx, final, a.lookupDelays(final != nil)...); agent != nil || err != nil {
			return agent, err
		}
		if final != nil && a.busyBefore && a.earlier != "" && a.responsesLost == 0 {
			a.lose(a.last) // another deployment may have replaced what a request before made
		}
		if final != nil {
			return nil, final
		}
		a.busyBefore = a.busyBefore || !a.explained
		if err := a.backOff(ctx, max(a.pace.NextBackOff(), a.last.RetryAfter)); err != nil {
			return nil, err
		}
		a.open = !a.explained // until the read has come
		if agent, err := a.reconcile(ctx, nil, 0); agent != nil || err != nil {
			return agent, err
		}
	}
}

func (a *applier) post(ctx context.Context) (*pipecat.Agent, error) {
	if a.Baseline.Agent == nil {
		return a.api.CreateAgent(ctx, pipecat.CreateRequest{ServiceName: a.Request.Agent, Region: a.region(), Settings: a.Settings})
	}
	return a.api.UpdateAgent(ctx, a.Request.Agent, pipecat.UpdateRequest{Settings: a.Settings, ForceRedeploy: a.force()})
}

// outcome takes note of the last response, and returns an error when it is no use
// to send the request again.
func (a *applier) outcome(ctx context.Context) error {
	e := a.last
	a.explained = false
	deadline, _ := ctx.Deadline()
	tooLong := time.Until(deadline) < e.RetryAfter
	switch classify(e) {
	case responseBusy:
		if tooLong {
			return failed(verdict.Refused, e, "%s is given up because the platform asks to wait for %s, which is longer than wait-timeout allows: %v", a.what(), quantity.Limit(e.RetryAfter), e)
		}
		if e.Status == http.StatusConflict {
			return a.provisioned(ctx)
		}
		return nil
	case responseRefused, responseRefusedByAPI:
		return a.refused()
	}
	a.lose(e)
	if a.responsesLost == maxLost || tooLong {
		return failed(verdict.API, e, "%s got no usable response, and the agent shows no new deployment (requests sent: %d): %v", a.what(), a.sent, e)
	}
	return nil
}

// lose takes note of a request that may have been accepted.
func (a *applier) lose(why error) {
	a.responsesLost++
	a.emit.Emit(event.ResponseLost{Err: why})
	a.report.Reset() // what is done about it is news
}

// provisioned is an error when a conflict is one with a secret set, or an image pull
// secret set, that will never be ready. One that is not ready yet explains it.
func (a *applier) provisioned(ctx context.Context) error {
	if set := a.Settings.SecretSet; set != "" {
		if s, err := a.api.SecretSet(ctx, set); err == nil {
			if err := a.notProvisioned("secret set", set, *s); err != nil {
				return err
			}
		}
	}
	if set := a.Settings.ImagePullSecretSet; set != "" { // which can be read in the list alone
		sets, _ := a.api.SecretSets(ctx)
		for _, s := range sets {
			if s.Name == set {
				return a.notProvisioned("image pull secret set", set, s)
			}
		}
	}
	return nil
}

func (a *applier) notProvisioned(kind, name string, s pipecat.SecretSet) error {
	a.explained = a.explained || s.IsFailed() || s.IsPending()
	if !s.IsFailed() {
		return nil
	}
	f := failed(verdict.Refused, a.last, "%s %q could not be provisioned, so %s was not made; save it again, then run the job again", kind, name, a.what())
	f.Evidence = nil // the set's own says more
	f.Show(verdict.FromPlatform, s.ErrorMessage)
	return f
}

// backOff waits before the request is sent again, and reports that now and then.
func (a *applier) backOff(ctx context.Context, wait time.Duration) error {
	return backOff(ctx, wait, func(left time.Duration) {
		if a.report.Due() {
			a.emit.Emit(event.Retrying{Try: event.TryUpdate, Err: a.last, In: left})
		}
	})
}

// backOff waits, and reports every now and then how long it still does.
func backOff(ctx context.Context, wait time.Duration, report func(left time.Duration)) error {
	for wait > 0 {
		report(wait)
		part := min(wait, reportEvery)
		if err := pacing.Sleep(ctx, part); err != nil {
			return err
		}
		wait -= part
	}
	return nil
}

// cancelled is the failure of a job that was stopped before the platform is known
// to have accepted the change.
func (a *applier) cancelled() *verdict.Failure {
	if a.open || a.responsesLost > 0 {
		return verdict.NewCancelled("the job was stopped while %s was under way; it may have been accepted, so check the agent before you run the job again", a.what())
	}
	return verdict.NewCancelled("the job was stopped before the platform accepted %s, so %s", a.what(), a.otherwise())
}

// timedOut is the failure of a change that the platform is not known to have
// accepted in time.
func (a *applier) timedOut() *verdict.Failure {
	last := error(a.last)
	if a.last == nil {
		last = errors.New("no answer came")
	}
	if a.open || a.responsesLost > 0 {
		return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.API,
			Message: fmt.Sprintf("%s got no usable response before wait-timeout was up; it may have been accepted, so check the agent before you run the job again: %v", a.what(), last)}
	}
	return &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.Refused,
		Message: fmt.Sprintf("the platform did not accept %s before wait-timeout was up, so %s: %v", a.what(), a.otherwise(), last)}
}

func (a *applier) refused() error {
	e := a.last
	what := a.what()
	if a.Baseline.Agent == nil {
		what = "to create the agent"
	}
	switch {
	case e.Unauthorized():
		return unauthorized(e)
	case e.Status < 400:
		return failed(verdict.API, e, "the API rejected %s: %v", what, e)
	}
	f := failed(verdict.Refused, e, "the platform refuses %s: %s", what, e.Detail())
	f.Advice = a.missingSet(e.Message)
	return f
}

// missingSet says how the secret set is made that a refusal does not find; "" where it
// is of something else.
func (a *applier) missingSet(refusal string) string {
	refusal = strings.ToLower(refusal)
	input, name, command := "secret-set", a.Settings.SecretSet, "pcc secrets set %s KEY=VALUE%s"
	if strings.Contains(refusal, "image pull secret") {
		input, name, command = "image-credentials", a.Settings.ImagePullSecretSet, "pcc secrets image-pull-secret %s REGISTRY%s"
	}
	if name == "" || !strings.Contains(refusal, "secret set not found") {
		return ""
	}
	in, region := "", ""
	if a.Baseline.Region != "" {
		in, region = " in "+a.Baseline.Region, " --region "+a.Baseline.Region
	}
	return fmt.Sprintf("There is no %q%s. Make it with "+command+", or correct %s.", name, in, name, region, input)
}

// what names the change.
func (a *applier) what() string {
	if a.Reverts != nil {
		return "the rollback"
	}
	return "the update"
}

// otherwise says what holds when the change was not made.
func (a *applier) otherwise() string {
	if a.Reverts != nil {
		return "deployment " + a.Reverts.ID + " stays"
	}
	return "nothing was deployed"
}

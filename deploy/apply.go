package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/verdict"
)

// maxLost is how often an answer may be lost before the update is given up.
const maxLost = 4

// Taken is an update that the platform took.
type Taken struct {
	ID       string // of the deployment that is desired now
	Previous string // of the one before, "" for a new agent
	Agent    *pipecat.Agent
	Warning  string // the platform's own; not ours
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
// anything is sent again. Errors are a *verdict.Verdict, or ctx's.
func Apply(ctx context.Context, api API, c Change, deadline time.Time, report func(Event)) (Taken, error) {
	timed, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	a := applier{api: api, Change: c, report: report}
	a.pace = backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second), backoff.WithMaxInterval(10*time.Second),
		backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0))
	agent, err := a.send(timed)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		v := verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped,
			Message: "the job was stopped before the platform took the update, so nothing was deployed"}
		if a.open {
			v.Message = "the job was stopped while the update was under way; it may have been taken, so look at the agent before you run it again"
		}
		return Taken{}, &v
	case timed.Err() != nil:
		v := verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.Refused,
			Message: fmt.Sprintf("the platform did not take the update before wait-timeout was up, so nothing was deployed: %v", a.last)}
		if a.open {
			v.Reason = verdict.API
			v.Message = fmt.Sprintf("the update had no clear answer before wait-timeout was up; it may have been taken, so look at the agent before you run it again: %v", a.last)
		}
		return Taken{}, &v
	default:
		return Taken{}, err
	}
	return Taken{ID: agent.Desired(), Previous: c.Previous(), Agent: agent, Warning: agent.Warning}, nil
}

type applier struct {
	Change
	api    API
	report func(Event)
	pace   *backoff.ExponentialBackOff
	last   error     // what the last request came to
	open   bool      // a request may have been taken, and it is not known yet
	lost   int       // answers
	told   time.Time // when it was last told that the update is held
}

// send sends the request until the platform took or refused it, and returns
// the agent that has it.
func (a *applier) send(ctx context.Context) (*pipecat.Agent, error) {
	for {
		a.open = true
		agent, err := a.post(ctx)
		if err == nil {
			return agent, nil
		}
		e := &pipecat.Error{Err: err}
		errors.As(err, &e)
		a.last = e
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case e.Err == nil && (e.Status == http.StatusConflict || e.Status == http.StatusTooManyRequests):
			a.open = false
			err = a.hold(ctx, e)
		case !e.Temporary():
			if a.lost == 0 || a.Before != nil || e.Status != http.StatusBadRequest {
				return nil, a.refused(e)
			}
			// A creation whose answer was lost may be refused now because it was taken.
			if agent, err = a.find(ctx, e); agent == nil && err == nil {
				return nil, a.refused(e)
			}
		default:
			if agent, err = a.find(ctx, e); agent == nil && err == nil {
				err = a.again(ctx, e)
			}
		}
		if agent != nil || err != nil {
			return agent, err
		}
	}
}

func (a *applier) post(ctx context.Context) (*pipecat.Agent, error) {
	if a.Before == nil {
		return a.api.CreateAgent(ctx, a.Create)
	}
	return a.api.UpdateAgent(ctx, a.Name, a.Update)
}

// hold waits after an answer that asks for patience: for 409 while a secret
// set is provisioned, for 429 as long as it says.
func (a *applier) hold(ctx context.Context, e *pipecat.Error) error {
	set := a.secretSet()
	if e.Status == http.StatusConflict && set != "" {
		if s, err := a.api.SecretSet(ctx, set); err == nil && s.Status == pipecat.SecretFailed {
			v := failed(verdict.Refused, e, "secret set %q could not be provisioned, so the update was not made; save it again, then run the job again", set)
			v.Detail = s.ErrorMessage
			return v
		}
	}
	if deadline, _ := ctx.Deadline(); time.Until(deadline) < e.RetryAfter {
		return failed(verdict.Refused, e, "nothing was deployed, for the platform asks to wait for %s, which is longer than wait-timeout allows: %v", e.RetryAfter, e)
	}
	wait := max(a.pace.NextBackOff(), e.RetryAfter)
	if time.Since(a.told) > 20*time.Second {
		a.told = time.Now()
		a.report(Held{Why: e, Next: wait})
	}
	return sleep(ctx, wait)
}

// again waits before the request is sent again, after an answer that was lost.
func (a *applier) again(ctx context.Context, e *pipecat.Error) error {
	if a.lost == maxLost {
		return failed(verdict.API, e, "the update was sent %d times without an answer, and the agent does not show it, so nothing was deployed: %v", a.lost, e)
	}
	return sleep(ctx, max(a.pace.NextBackOff(), e.RetryAfter))
}

// find looks whether a request whose answer was lost has been taken, for some
// seconds, as a read may lag behind the write. It returns nil when it was not.
func (a *applier) find(ctx context.Context, lost *pipecat.Error) (*pipecat.Agent, error) {
	a.lost++
	a.report(Lost{lost})
	waits := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second}
	if a.Update.ForceRedeploy { // sent again, what was taken would be made twice
		waits = append(waits, 8*time.Second, 15*time.Second)
	}
	for _, wait := range waits {
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		agent, err := a.api.Agent(ctx, a.Name)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && status(err) != http.StatusNotFound:
			return nil, failed(verdict.API, lost, "the update's answer was lost (%v) and the agent cannot be read, so it is not known whether it was taken: %v", lost, err)
		case err != nil || agent.Desired() == a.Previous() || agent.Desired() == "":
			continue
		}
		if other := differs(a.asked(), agent); other != "" {
			return nil, &verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced, Detail: lost.Body,
				Message: fmt.Sprintf("the update's answer was lost, and meanwhile deployment %s took over, which is not ours: its %s", agent.Desired(), other)}
		}
		return agent, nil
	}
	a.open = false
	return nil, nil
}

func (a *applier) asked() pipecat.Settings {
	if a.Before == nil {
		return a.Create.Settings
	}
	return a.Update.Settings
}

func (a *applier) secretSet() string { return a.asked().SecretSet }

func (a *applier) refused(e *pipecat.Error) error {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return denied(e)
	}
	what := "the update"
	if a.Before == nil {
		what = "to create the agent"
	}
	if e.Status < 400 {
		return failed(verdict.API, e, "nothing was deployed: %v", e)
	}
	return failed(verdict.Refused, e, "the platform refuses %s: %s", what, e.Words())
}

// differs finds a setting that was asked for and that the agent's newest
// deployment shows otherwise; "" when there is none. A build's image is hidden
// by the platform, and so is not compared.
func differs(asked pipecat.Settings, agent *pipecat.Agent) string {
	if agent.Deployment == nil {
		return ""
	}
	spec := agent.Deployment.Manifest.Spec
	type pair struct{ name, want, have string }
	pairs := []pair{
		{"image", asked.Image, spec.Image},
		{"image credentials", asked.ImagePullSecretSet, spec.ImagePullSecretName},
		{"agent profile", asked.AgentProfile, agent.AgentProfile},
	}
	if asked.MaxSessionDuration != 0 && spec.MaxSessionDurationSeconds != 0 {
		pairs = append(pairs, pair{"session limit", fmt.Sprint(asked.MaxSessionDuration), fmt.Sprint(spec.MaxSessionDurationSeconds)})
	}
	if s := asked.AutoScaling; s != nil && spec.AutoScaling != nil {
		for _, bound := range []struct {
			name       string
			want, have *int
		}{{"minimum of agents", s.MinAgents, spec.AutoScaling.MinReplicas}, {"maximum of agents", s.MaxAgents, spec.AutoScaling.MaxReplicas}} {
			if bound.want != nil && bound.have != nil {
				pairs = append(pairs, pair{bound.name, fmt.Sprint(*bound.want), fmt.Sprint(*bound.have)})
			}
		}
	}
	for _, p := range pairs {
		if p.want != "" && p.have != "" && p.want != p.have {
			return fmt.Sprintf("%s is %q", p.name, p.have)
		}
	}
	if asked.SecretSet != "" && len(spec.EnvFromSecretNames) > 0 && !slices.Contains(spec.EnvFromSecretNames, asked.SecretSet) {
		return fmt.Sprintf("secret set is %q", spec.EnvFromSecretNames[0])
	}
	return ""
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

// Package deploy finds what is to be deployed, plans the change, and makes it
// exactly once.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// API is what a deployment needs of Pipecat Cloud. Its reads are expected to
// be tried again by themselves, its writes to be sent once.
type API interface {
	poll.Agents
	poll.Builds
	CreateAgent(ctx context.Context, r pipecat.CreateRequest) (*pipecat.Agent, error)
	UpdateAgent(ctx context.Context, name string, r pipecat.UpdateRequest) (*pipecat.Agent, error)
	Properties(ctx context.Context) (*pipecat.Properties, error)
	SecretSet(ctx context.Context, name string) (*pipecat.SecretSet, error)
	Builds(ctx context.Context, f pipecat.BuildFilter) ([]pipecat.Build, error)
	LastBuildLogs(ctx context.Context, id string, n int) ([]string, error)
	UploadURL(ctx context.Context, region string) (*pipecat.Upload, error)
	Upload(ctx context.Context, to *pipecat.Upload, body io.Reader, size int64, progress func(sent int64)) error
	CreateBuild(ctx context.Context, r pipecat.BuildRequest) (b *pipecat.Build, cached bool, err error)
}

// clocksApart is how far the clocks of the platform's parts may be.
const clocksApart = time.Minute

// Event is something that happened on the way to a deployment. It is told as
// it happens.
type Event interface{ deployEvent() }

// Held says that the update is not taken yet, and why. It is told now and then
// for as long as that lasts.
type Held struct {
	Why  error
	Next time.Duration // until the update is sent again
}

// Lost says that the update got no clear answer, so that the agent is read to
// see whether it was taken.
type Lost struct{ Why error }

// Doubted says that the request was refused, but that one before it, which got
// no clear answer, may have been taken, so that the agent is read to see that.
type Doubted struct{ Why error }

// Unseen says now and then that the agent shows no new deployment yet.
type Unseen struct{}

// Unread says that the agent cannot be read to see that.
type Unread struct {
	Why  error
	Next time.Duration // until it is read again
}

func (Change) deployEvent()  {}
func (Taken) deployEvent()   {}
func (Kept) deployEvent()    {}
func (Held) deployEvent()    {}
func (Lost) deployEvent()    {}
func (Doubted) deployEvent() {}
func (Unread) deployEvent()  {}
func (Unseen) deployEvent()  {}

// Artefact is what is deployed. The zero Artefact is whatever the agent has.
type Artefact struct {
	Image string
	Build *pipecat.Build // without an id: one that is yet to be made, in a dry run
}

// Change is what a deployment does to an agent.
type Change struct {
	Name      string
	Artefact  Artefact
	Before    *pipecat.Agent // nil: the agent is created
	Missed    time.Time      // when there was no agent, by the API's clock; zero when it does not tell
	NewRegion string         // to create it in; empty: the platform chooses
	Settings  pipecat.Settings
	Plan      []Setting // what it does to each of them
	Force     bool      // a new deployment though nothing changed; not for a creation
	Warm      int       // replicas that are to be ready before it is waited for no more; 0: the platform decides
	Rollback  bool      // what it changes is to be put back if it fails
	Undoes    string    // the one deployment that it may replace, to put back what that changed; empty: it is no rollback
	Restores  string    // the deployment before that one
}

// Previous is the id of the deployment before the change, or "".
func (c Change) Previous() string {
	if c.Before == nil {
		return ""
	}
	return c.Before.Desired()
}

// since is the time before which nothing was made that the change made, by the
// platform's clock; zero when that is not known.
func (c Change) since() time.Time {
	switch {
	case c.Before != nil:
		return c.Before.DesiredCreatedAt()
	case c.Missed.IsZero():
		return time.Time{}
	}
	return c.Missed.Add(-clocksApart)
}

// Region is the agent's, or "" when the platform chooses it.
func (c Change) Region() string {
	if c.Before == nil {
		return c.NewRegion
	}
	return c.Before.Region
}

// Plan reads the agent, says what is to change, and finds what would make that
// impossible. Only what was asked for is in it. Errors are a *verdict.Verdict, or ctx's.
func Plan(ctx context.Context, api API, cfg config.Config, artefact Artefact) (Change, error) {
	change := Change{Name: cfg.AgentName, Artefact: artefact, Settings: settings(cfg, artefact), Rollback: cfg.RollbackOnFailure}
	var scaling pipecat.AutoScaling
	if cfg.Settings.AutoScaling != nil {
		scaling = *cfg.Settings.AutoScaling
	}
	agent, err := api.Agent(ctx, cfg.AgentName)
	region := cfg.Region // of the agent
	switch {
	case status(err) == http.StatusNotFound && !cfg.CreateIfMissing:
		return Change{}, failed(verdict.Inputs, err, "agent %q does not exist, and create-if-missing is false; correct agent-name, or create the agent first", cfg.AgentName)
	case status(err) == http.StatusNotFound && artefact == Artefact{}:
		return Change{}, failed(verdict.Inputs, err, "agent %q does not exist, and to create it takes an image or a build-id; correct agent-name, or set one of them", cfg.AgentName)
	case status(err) == http.StatusNotFound:
		change.NewRegion = cfg.Region
		change.Missed = asError(err).Date
		if region == "" && artefact.Build != nil {
			if p, err := api.Properties(ctx); err == nil {
				region = p.DefaultRegion
			}
		}
	case err != nil:
		return Change{}, unreadable(ctx, err)
	case agent.Desired() == "":
		return Change{}, failed(verdict.API, nil, "nothing was changed, for the API's answer about agent %q names no deployment of it, and so is not understood", cfg.AgentName)
	case cfg.Region != "" && agent.Region != "" && cfg.Region != agent.Region:
		return Change{}, failed(verdict.Inputs, nil, "agent %q is in region %s, not in %s, and cannot move; correct region or remove it, or deploy under another name", cfg.AgentName, agent.Region, cfg.Region)
	default:
		change.Before, change.Force = agent, cfg.ForceRedeploy
		region = agent.Region
		if a := agent.AutoScaling; a != nil {
			least, most := cmp.Or(scaling.MinAgents, a.MinReplicas), cmp.Or(scaling.MaxAgents, a.MaxReplicas)
			if change.Settings.AutoScaling != nil && least != nil && most != nil && *least > *most {
				return Change{}, failed(verdict.Inputs, nil, "min-agents would be %d, above max-agents, which would be %d; set both", *least, *most)
			}
		}
	}
	if b := artefact.Build; b != nil && b.Region != "" && region != "" && b.Region != region {
		return Change{}, failed(verdict.Inputs, nil, "build %s is in region %s, and the agent in %s; deploy a build of the agent's own region (a new agent's is set by region)", b.ID, b.Region, region)
	}
	if cfg.WaitForReady && cfg.WaitFor == "warm" {
		least := scaling.MinAgents
		if least == nil && change.Before != nil && change.Before.AutoScaling != nil {
			least = change.Before.AutoScaling.MinReplicas
		}
		if least == nil || *least < 1 {
			return Change{}, failed(verdict.Inputs, nil, "wait-for is warm, but no replica of agent %q is kept warm; set min-agents to 1 or more, or wait-for to ready", cfg.AgentName)
		}
		change.Warm = *least
	}
	change.Plan = plan(cfg, change)
	return change, nil
}

func settings(cfg config.Config, artefact Artefact) pipecat.Settings {
	s := cfg.Settings
	s.Image, s.BuildID = artefact.Image, ""
	if artefact.Build != nil {
		s.BuildID = artefact.Build.ID
	}
	return s
}

// asError is the API's error in err; one that says nothing when there is none.
func asError(err error) *pipecat.Error {
	e := &pipecat.Error{Err: err}
	errors.As(err, &e)
	return e
}

// status is the HTTP status that err tells of, or 0.
func status(err error) int { return asError(err).Status }

// failed makes a red verdict. An answer of the API's that is not understood is
// its detail.
func failed(reason verdict.Reason, cause error, format string, args ...any) *verdict.Verdict {
	v := &verdict.Verdict{Status: verdict.Failed, Reason: reason, Message: fmt.Sprintf(format, args...)}
	e := asError(cause)
	if v.Code = e.Code; e.Message == "" {
		v.Detail = e.Body
	}
	return v
}

// unreadable is what becomes of a read that failed for good.
func unreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if asError(err).Unauthorized() {
		return denied(err)
	}
	return failed(verdict.API, err, "nothing was changed, for the API could not be read: %v", err)
}

func denied(err error) *verdict.Verdict {
	return failed(verdict.Auth, err, "the API does not take the key; check that api-key is a Private key of the organization that owns the agent: %v", err)
}

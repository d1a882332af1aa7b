package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// Case is a document, and what it is read for.
type Case struct {
	Target   Target          `json:"target"`
	Document json.RawMessage `json:"document"`
}

// Target is a revision.Target; its fields have the same meaning.
type Target struct {
	Agent     string               `json:"agent"` // that is asked for
	ID        string               `json:"id"`
	Previous  string               `json:"previous"`
	Image     string               `json:"image,omitempty"` // of Asked
	CreatedAt time.Time            `json:"createdAt,omitzero"`
	Known     []pipecat.AgentError `json:"known,omitempty"`
}

// Answer is what this project makes of a case.
type Answer struct {
	Verdict string   `json:"verdict"`          // serving, failed, superseded or pending
	Why     string   `json:"why,omitempty"`    // the failure
	Lost    []string `json:"lost,omitempty"`   // fields of the document that are not decoded as they are
	Unread  []string `json:"unread,omitempty"` // fields of the document that have no place in pipecat.Agent
}

// The document is looked at as often as the CLI does, and for so long that no
// grace is still running.
const (
	lookEvery = 5 * time.Second
	lookFor   = 40 * time.Second
)

// judge reads a document as the action does, and judges it again and again.
func judge(c Case) (a Answer) {
	client := pipecat.Client{Base: &url.URL{Scheme: "http", Host: "simulated", Path: "/v1"}, Key: "sk_oracle", Transport: served(c.Document)}
	doc, err := client.Agent(context.Background(), c.Target.Agent)
	if err != nil { // which is no evidence, and is decoded for what is lost alone
		a = Answer{Verdict: "pending", Why: err.Error()}
		var bare pipecat.Agent
		if err := json.Unmarshal(c.Document, &bare); err == nil {
			a.Lost, a.Unread = compare(c.Document, &bare)
		}
		return a
	}
	a.Lost, a.Unread = compare(c.Document, doc)
	target := revision.Target{ID: c.Target.ID, Previous: c.Target.Previous, Asked: pipecat.Settings{Image: c.Target.Image},
		KnownErrors: c.Target.Known, CreatedAt: c.Target.CreatedAt}
	policy := poll.Policy{MaxRestarts: 2} // the action's default
	var history poll.History
	var done bool
	var failure *verdict.Failure
	start := epoch.Add(time.Hour)
	for passed := time.Duration(0); passed <= lookFor && !done; passed += lookEvery {
		done, failure, history = poll.Judge(revision.Observe(doc, target), policy, history, start.Add(passed))
	}
	switch {
	case !done:
		a.Verdict = "pending"
	case failure == nil:
		a.Verdict = "serving"
	case failure.Status == verdict.Superseded:
		a.Verdict, a.Why = "superseded", failure.Message
	default:
		a.Verdict, a.Why = "failed", failure.Message
	}
	return a
}

// served is a transport that answers with a document.
type served []byte

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(s)), Request: r}, nil
}

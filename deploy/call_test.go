package deploy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// reader is an API whose agent is read, or cannot be.
type reader struct {
	API
	agent *pipecat.Agent
	err   error
}

func (r reader) Agent(context.Context, string) (*pipecat.Agent, error) { return r.agent, r.err }

// TestNewCaller holds when a test call is not made at all, and what the job says then.
func TestNewCaller(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		desired string
		err     error
		reason  verdict.Reason // "" if the call is made
		says    string
	}{
		{"it is wanted", t.Context(), "new", nil, "", ""},
		{"the read is old", t.Context(), "old", nil, "", ""},
		{"another client has deployed", t.Context(), "theirs", nil, verdict.ReasonSuperseded, "deployment theirs replaced new"},
		{"it cannot be read", t.Context(), "", errors.New("502"), verdict.ReasonUnproven, "could not be made"},
		{"the job is stopped", stopped, "", context.Canceled, verdict.ReasonCancelled, "stopped before the test call"},
	} {
		api := reader{agent: &pipecat.Agent{Name: "bot", DesiredDeploymentID: tt.desired}, err: tt.err}
		_, err := NewCaller(tt.ctx, api, Request{Agent: "bot"}, revision.Target{ID: "new", Previous: "old"}, event.Emitter{})
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		var f *verdict.Failure
		if !errors.As(err, &f) || f.Reason != tt.reason || !strings.Contains(f.Message, tt.says) || strings.Contains(f.Message, "not sent") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestAlone holds that a deployment is alone only if no other has ready replicas,
// whichever revision it is.
func TestAlone(t *testing.T) {
	of := func(id string, ready int) *pipecat.Revision {
		return &pipecat.Revision{DeploymentID: id, ReadyReplicas: ready}
	}
	for _, tt := range []struct {
		name              string
		current, previous *pipecat.Revision
		alone             bool
	}{
		{"nothing shows", nil, nil, true},
		{"it serves", of("new", 2), nil, true},
		{"it serves, and the one before is gone", of("new", 2), of("old", 0), true},
		{"the one before has replicas", of("new", 2), of("old", 1), false},
		{"the current one is of another deployment", of("old", 1), nil, false},
		{"the current one is of another deployment, and gone", of("old", 0), nil, true},
		{"they show in another order", of("old", 0), of("new", 1), true},
		{"nobody knows of which it is", of("", 1), nil, false},
	} {
		api := reader{agent: &pipecat.Agent{Name: "bot", DesiredDeploymentID: "new", CurrentRevision: tt.current, PreviousRevision: tt.previous}}
		c, err := NewCaller(t.Context(), api, Request{Agent: "bot"}, revision.Target{ID: "new", Previous: "old"}, event.Emitter{})
		if err != nil || c.Alone() != tt.alone {
			t.Errorf("%s: %v, %v", tt.name, c.Alone(), err)
		}
	}
}

// ending is an API whose sessions are ended by the nth request, if at all.
type ending struct {
	API
	fails   []error // of the requests, in turn; then they succeed
	over    bool    // the session shows that it is
	hangs   bool
	deletes int
}

func (e *ending) EndSession(ctx context.Context, _, _ string) error {
	if e.deletes++; e.hangs {
		<-ctx.Done()
		return &pipecat.Error{Err: ctx.Err()}
	}
	if e.deletes <= len(e.fails) {
		return e.fails[e.deletes-1]
	}
	return nil
}

func (e *ending) Session(context.Context, string, string) (*pipecat.Session, error) {
	if e.over {
		return &pipecat.Session{CompletionStatus: "HTTP_COMPLETED"}, nil
	}
	return &pipecat.Session{}, nil
}

// TestEnd holds that a session is ended within the grace, also in a job that was stopped,
// and that an error says what could not be ended.
func TestEnd(t *testing.T) {
	status := func(s int) error { return &pipecat.Error{Status: s, FromAPI: true} }
	for _, tt := range []struct {
		name    string
		session string
		api     ending
		deletes int
		ended   bool
	}{
		{"no session", "", ending{fails: []error{status(500)}}, 0, true},
		{"at once", "s", ending{}, 1, true},
		{"a fault that passes", "s", ending{fails: []error{status(500), status(503)}}, 3, true},
		{"it does not show yet", "s", ending{fails: []error{status(404), status(404)}}, 3, true},
		{"it is over", "s", ending{fails: []error{status(400)}, over: true}, 1, true},
		{"a fault that stays", "s", ending{fails: slices.Repeat([]error{status(500)}, 100)}, 8, false},
		{"a key that is rejected", "s", ending{fails: []error{status(401)}}, 1, false},
		{"no answer", "s", ending{hangs: true}, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopped, stop := context.WithCancel(t.Context())
				stop()
				began := time.Now()
				err := Caller{api: &tt.api, request: Request{Agent: "bot"}}.End(stopped, tt.session)
				if took := time.Since(began); (err == nil) != tt.ended || tt.api.deletes != tt.deletes || took > 1500*time.Millisecond {
					t.Errorf("%d requests in %s: %v", tt.api.deletes, took, err)
				}
			})
		})
	}
}

// starting is an API which starts a session after a time, or refuses its body.
type starting struct {
	API
	after  time.Duration
	refuse string
	bodies []map[string]any // that were sent
}

func (s *starting) Start(ctx context.Context, _ string, r pipecat.StartRequest) (*pipecat.Started, error) {
	s.bodies = append(s.bodies, r.Body)
	select {
	case <-time.After(s.after):
	case <-ctx.Done():
		return nil, &pipecat.Error{Err: ctx.Err()}
	}
	if s.refuse != "" && r.Body != nil {
		return nil, &pipecat.Error{Status: 400, Message: s.refuse, FromAPI: true}
	}
	return &pipecat.Started{SessionID: "s"}, nil
}

// TestPlace holds that a job which is stopped learns the session that it is starting, so
// that it can be ended, and waits no longer than it may; and that a session whose body is
// refused is started without it.
func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		name    string
		api     starting
		stopped time.Duration // 0: never; less: before
		session string
		starts  int
		lasts   time.Duration // at most
	}{
		{"in time", starting{after: 60 * time.Second}, 0, "s", 1, 60 * time.Second},
		{"stopped, and it answers soon", starting{after: 3200 * time.Millisecond}, 3 * time.Second, "s", 1, 3300 * time.Millisecond},
		{"stopped, and it does not answer", starting{after: time.Minute}, 3 * time.Second, "", 1, 3500 * time.Millisecond},
		{"stopped before", starting{}, -1, "", 0, 0},
		{"its body is refused", starting{refuse: "the body is not allowed"}, 0, "s", 2, 0},
		{"something else is refused", starting{refuse: "no"}, 0, "", 1, 0},
		{"its body is refused in a job that was stopped", starting{after: 3200 * time.Millisecond, refuse: "the body is not allowed"}, 3 * time.Second, "", 1, 3300 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if tt.stopped < 0 {
					stop()
				} else if tt.stopped > 0 {
					time.AfterFunc(tt.stopped, stop)
				}
				began := time.Now()
				c := Caller{api: &tt.api, request: Request{Agent: "bot", URL: &url.URL{}, Call: pipecat.Daily, CallBody: map[string]any{"test_call": true}}, agent: &pipecat.Agent{}}
				session, _, err := c.Place(ctx)
				if took := time.Since(began); session != tt.session || (err == nil) != (session != "") || len(tt.api.bodies) != tt.starts || took > tt.lasts {
					t.Errorf("session %q, %d starts, in %s: %v", session, len(tt.api.bodies), took, err)
				}
				if n := len(tt.api.bodies); n > 0 && tt.api.bodies[0] == nil || n > 1 && tt.api.bodies[1] != nil {
					t.Errorf("bodies %v", tt.api.bodies)
				}
			})
		})
	}
}

// TestPlaceSocket holds where an agent's WebSocket is dialed, and that one whose address
// is not known is not.
func TestPlaceSocket(t *testing.T) {
	const own = "wss://calls.test/ws/generic/bot.tiny-ferret"
	for _, tt := range []struct {
		name         string
		call         string
		region       string
		organization string
		key          bool   // a Public key is there, and the agent asks for a token
		starts       string // the address that a start gives
		url          string // "" if none is dialed
		failsAtOnce  bool
	}{
		{"by its names", pipecat.WebSocket, "eu-central", "tiny-ferret", false, "", "wss://eu-central.api.test/ws/generic/bot.tiny-ferret", false},
		{"without a region", pipecat.WebSocket, "", "tiny-ferret", false, "", "wss://us-west.api.test/ws/generic/bot.tiny-ferret", false},
		{"by Twilio, without a region", pipecat.Twilio, "", "tiny-ferret", false, "", "wss://us-west.api.test/ws/generic/bot.tiny-ferret", false},
		{"without an organization", pipecat.WebSocket, "us-west", "", false, "", "", true},
		{"by Twilio, without an organization", pipecat.Twilio, "us-west", "", false, "", "", true},
		{"by a session's own address", pipecat.WebSocket, "", "", true, own, own, false},
		{"by Twilio, and a session's own address", pipecat.Twilio, "", "", true, own, own, false},
		{"by a session without an address", pipecat.WebSocket, "", "tiny-ferret", true, "", "wss://us-west.api.test/ws/generic/bot.tiny-ferret", false},
		{"by a session without an address, nor an organization", pipecat.WebSocket, "us-west", "", true, "", "", false},
	} {
		agent := &pipecat.Agent{Name: "bot", Region: tt.region, DesiredDeploymentID: "new", Deployment: &pipecat.Deployment{ID: "new"}}
		agent.Deployment.Manifest.Metadata.Namespace = tt.organization
		api := sockets{reader{agent: agent}, tt.starts}
		r := Request{Agent: "bot", URL: &url.URL{Scheme: "https", Host: "api.test"}, Call: tt.call, CallKey: tt.key}
		c, err := NewCaller(t.Context(), api, r, revision.Target{ID: "new"}, event.Emitter{})
		if (err != nil) != tt.failsAtOnce {
			t.Errorf("%s: %v", tt.name, err)
		}
		var session string
		var road phone.Road
		if err == nil {
			session, road, err = c.Place(t.Context())
		}
		dialed := ""
		switch road := road.(type) {
		case phone.WebSocket:
			dialed = road.URL.String()
		case phone.Twilio:
			if dialed = road.URL.String(); strings.HasSuffix(road.Service, ".") {
				t.Errorf("%s: of service %s", tt.name, road.Service)
			}
		}
		if dialed != tt.url || (session != "") != tt.key || (err != nil) != (tt.url == "") || err != nil && !strings.Contains(err.Error(), "does not show the organization's name") {
			t.Errorf("%s: it dials %q of session %q: %v", tt.name, dialed, session, err)
		}
	}
}

// sockets is an API that starts sessions with an address.
type sockets struct {
	reader
	url string
}

func (sockets) Carrier() http.RoundTripper { return nil }

func (s sockets) Start(context.Context, string, pipecat.StartRequest) (*pipecat.Started, error) {
	return &pipecat.Started{SessionID: "s", Token: "t", URL: s.url}, nil
}

package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/simulator/bots"
	"pipecat-cloud-deploy/internal/verdict"
)

// silence is an agent that is connected, says nothing, and hangs up after a while.
type silence struct {
	lasts time.Duration
	taken func() // called when it is connected
}

func (s silence) Dial(context.Context) (phone.Line, error) {
	if s.taken != nil {
		s.taken()
	}
	return s, nil
}
func (silence) Rate() int                          { return 8000 }
func (silence) Say(context.Context, []int16) error { return nil }
func (silence) HangUp(context.Context)             {}
func (s silence) Hear(ctx context.Context) (phone.Heard, error) {
	select {
	case <-ctx.Done():
		return phone.Heard{}, &phone.Error{Problem: phone.Cancelled}
	case <-time.After(s.lasts):
		return phone.Heard{}, &phone.HangUp{}
	}
}

// calls has the sessions of an agent, and what they print.
type calls struct {
	sessions  []pipecat.Session
	further   []pipecat.Session // that show later
	furtherAt time.Time
	log       []string
	logs      map[string][]string // of a session, instead
	silent    map[string]int      // how many reads of a session's log show nothing yet
	shows     time.Time           // when sessions show; zero: at once
	slow      time.Duration       // that reading a log takes
	desired   string              // the deployment; "" where the agent cannot be read
	err       error
}

func (c *calls) Agent(context.Context, string) (*pipecat.Agent, error) {
	if c.desired == "" {
		return nil, errors.New("502")
	}
	return &pipecat.Agent{Name: "bot", DesiredDeploymentID: c.desired}, nil
}

func (c *calls) Session(_ context.Context, _, id string) (*pipecat.Session, error) {
	for _, s := range c.all() {
		if s.ID == id && c.err == nil && !time.Now().Before(c.shows) {
			return &s, nil
		}
	}
	return nil, errors.Join(c.err, errors.New("not found"))
}

func (c *calls) Sessions(_ context.Context, _ string, f pipecat.SessionFilter) ([]pipecat.Session, error) {
	all := c.all()
	return all[:min(len(all), f.Limit)], c.err
}

func (c *calls) all() []pipecat.Session {
	if c.further == nil || time.Now().Before(c.furtherAt) {
		return c.sessions
	}
	return append(slices.Clone(c.further), c.sessions...)
}

func (c *calls) SessionLogs(ctx context.Context, _, id string, _ int) ([]pipecat.LogLine, error) {
	var lines []pipecat.LogLine
	if err := pacing.Sleep(ctx, c.slow); err != nil {
		return nil, err
	}
	if c.silent[id] > 0 {
		c.silent[id]--
		return nil, c.err
	}
	log := c.log
	if c.logs != nil {
		log = c.logs[id]
	}
	for _, text := range log {
		lines = append(lines, pipecat.LogLine{Text: text})
	}
	return lines, c.err
}

const raisedLine = "2026-08-01 12:00:00.123 | ERROR    | app:run_bot:42 | s - Exception running bot(): no key"

// TestJudgeLog holds which lines show that a session broke, in which formats, and that
// the words of a caller do not.
func TestJudgeLog(t *testing.T) {
	const (
		at   = "2026-08-01 12:00:00.123"
		rest = " | app:run_bot:42 | s - "
		exc  = "Exception running bot(): no key"
	)
	asJSON := func(level, message string) string {
		return fmt.Sprintf(`{"text": %q, "record": {"elapsed": {"seconds": 1.5}, "exception": null, "level": {"icon": "x", "name": %q, "no": 40}, "message": %q}}`, at+" | "+level+rest+message+"\n", level, message)
	}
	for _, tt := range []struct {
		line  string
		cause verdict.Cause // "" for nothing
		said  string
	}{
		{at + " | ERROR   " + rest + exc, verdict.CallRaised, "no key"},
		{at + " | CRITICAL" + rest + exc, verdict.CallRaised, "no key"},
		{at + "+00:00 | ERROR   " + rest + exc, verdict.CallRaised, "no key"},
		{at + " +0000 | ERROR   " + rest + exc, verdict.CallRaised, "no key"},
		{"2026-08-01T12:00:00.123Z | ERROR   " + rest + exc, verdict.CallRaised, "no key"},
		{"2026-08-01T12:00:00.123-07:00 | ERROR    | app:run_bot:42 - " + exc, verdict.CallRaised, "no key"},
		{asJSON("ERROR", exc), verdict.CallRaised, "no key"},
		{asJSON("CRITICAL", exc+"\nand more"), verdict.CallRaised, "no key"},
		{asJSON("ERROR", "PipelineTask#0: A fatal error occurred: no voice"), verdict.CallRaised, "A fatal error occurred: no voice"},
		{at + " | ERROR   " + rest + "PipelineWorker#0: timeout waiting for StartFrame#0 to reach the end of the pipeline (being blocked somewhere?), stopping the pipeline.", verdict.CallRaised,
			"timeout waiting for StartFrame#0 to reach the end of the pipeline (being blocked somewhere?), stopping the pipeline."},
		{at + " | ERROR   " + rest + "Refusing websocket session: no flow", verdict.CallRaised, "Refusing websocket session: no flow"},

		{at + " | WARNING " + rest + "PipelineWorker#0: timeout waiting for CancelFrame#0 to reach the end of the pipeline (being blocked somewhere?).", "", ""},
		{at + " | DEBUG   " + rest + "PipelineWorker#0: Starting. Waiting for StartFrame#0 to reach the end of the pipeline...", "", ""},
		{at + "+00:00 | DEBUG   " + rest + exc, "", ""},
		{at + " | INFO    " + rest + "user: Refusing websocket session", "", ""},
		{at + " | DEBUG   " + rest + "user: " + at + " | ERROR   " + rest + exc, "", ""},
		{at + " | DEBUG   " + rest + asJSON("ERROR", exc), "", ""},
		{at + " | ERROR   " + rest + "user said - " + exc, "", ""},
		{asJSON("DEBUG", exc), "", ""},
		{asJSON("INFO", asJSON("ERROR", exc)), "", ""},
		{`{"text": "` + exc + `", "record": {"level": "ERROR", "message": "` + exc + `"}}`, "", ""},
		{`{"record": {"level": {"name": "ERROR"}, "message": "` + exc, "", ""},
		{exc, "", ""},
	} {
		if v := judgeLog([]string{tt.line}); v.Cause != tt.cause || v.Said != tt.said {
			t.Errorf("%s: %q, %q", tt.line, v.Cause, v.Said)
		}
	}
	shown := withoutInfo([]string{asJSON("INFO", "a"), at + "Z | DEBUG   " + rest + "b", asJSON("ERROR", "c"), "Traceback"})
	if len(shown) != 2 || shown[1] != "Traceback" {
		t.Errorf("it shows %q", shown)
	}
}

// TestCallUnnamed holds which session is that of a call which started none: the only
// new one, once its own must show, which is read and never ended.
func TestCallUnnamed(t *testing.T) {
	old := pipecat.Session{ID: "old", DeploymentID: "new"}
	ours, theirs := pipecat.Session{ID: "ours", DeploymentID: "new"}, pipecat.Session{ID: "theirs", DeploymentID: "new"}
	other := pipecat.Session{ID: "other", DeploymentID: "before"}
	for _, tt := range []struct {
		name   string
		begins []pipecat.Session // with the call
		later  []pipecat.Session // and three seconds after it
		speaks bool
		alone  bool
		reason verdict.Reason // "" for an answer
		cause  verdict.Cause
		read   string
		lasts  time.Duration // at most
	}{
		{"one", []pipecat.Session{ours}, nil, false, true, verdict.ReasonNoAnswer, verdict.CallRaised, "ours", 6 * time.Second},
		{"one, and other instances are there", []pipecat.Session{ours}, nil, false, false, verdict.ReasonNoAnswer, verdict.CallRaised, "ours", 6 * time.Second},
		{"one that shows late", nil, []pipecat.Session{ours}, false, false, verdict.ReasonNoAnswer, verdict.CallRaised, "ours", 6 * time.Second},
		{"one of another deployment", []pipecat.Session{other}, nil, false, false, verdict.ReasonUnproven, verdict.CallOldInstance, "other", 6 * time.Second},
		{"a caller's, too", []pipecat.Session{ours, theirs}, nil, false, true, verdict.ReasonNoAnswer, verdict.CallEnded, "", 6 * time.Second},
		{"a caller's, too, and other instances are there", []pipecat.Session{ours, theirs}, nil, false, false, verdict.ReasonUnproven, verdict.CallUnknownDeployment, "", 6 * time.Second},
		{"a caller's, and then the call's", []pipecat.Session{theirs}, []pipecat.Session{ours}, false, false, verdict.ReasonUnproven, verdict.CallUnknownDeployment, "", 6 * time.Second},
		{"none", nil, nil, false, true, verdict.ReasonNoAnswer, verdict.CallEnded, "", 6 * time.Second},
		{"it is heard, by one", []pipecat.Session{ours}, nil, true, false, "", "", "ours", 6 * time.Second},
		{"it is heard, by one that shows late", nil, []pipecat.Session{ours}, true, false, "", "", "ours", 6 * time.Second},
		{"it is heard, and there is no other", []pipecat.Session{theirs}, []pipecat.Session{ours}, true, true, "", "", "", 2 * time.Second},
		{"it is heard, by a caller's, and then by another deployment's", []pipecat.Session{theirs}, []pipecat.Session{other}, true, false, verdict.ReasonUnproven, verdict.CallUnknownDeployment, "", 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &calls{sessions: []pipecat.Session{old}, log: []string{raisedLine}}
				begin := func() {
					api.sessions = append(slices.Clone(tt.begins), old)
					api.further, api.furtherAt = tt.later, time.Now().Add(3*time.Second)
				}
				var road phone.Road = silence{lasts: time.Second, taken: begin}
				if tt.speaks {
					road = voice{silence{taken: begin}}
				}
				var read string
				test := TestCall{Agent: "bot", Road: "websocket", Target: revision.Target{ID: "new"}, Alone: tt.alone, Timeout: 3 * time.Second,
					Place: func(context.Context) (string, phone.Road, error) { return "", road, nil },
					End: func(_ context.Context, session string) error {
						if session != "" {
							t.Errorf("it ends session %s", session)
						}
						return nil
					}}
				began := time.Now()
				err := Call(t.Context(), api, test, event.Emitter{Handle: func(e event.Entry) {
					if c, ok := e.Event.(event.Called); ok {
						read = c.Session
					}
				}})
				var f *verdict.Failure
				if errors.As(err, &f) != (tt.reason != "") || f != nil && (f.Reason != tt.reason || f.Cause != tt.cause) || read != tt.read {
					t.Errorf("%v, of session %q", err, read)
				}
				if took := time.Since(began); took > tt.lasts {
					t.Errorf("it takes %s", took)
				}
			})
		})
	}
}

// TestCallStarts holds how often a call is made, and that each session is ended, once.
func TestCallStarts(t *testing.T) {
	refused := func(status int) error { return &pipecat.Error{Status: status, FromAPI: true} }
	for _, tt := range []struct {
		name   string
		place  func(n int) (string, error)
		placed int
	}{
		{"old instances", func(n int) (string, error) { return fmt.Sprintf("s%d", n), nil }, maxStarts},
		{"no answer to the start", func(int) (string, error) { return "", refused(0) }, maxStarts},
		{"a gateway's answer", func(int) (string, error) { return "", refused(504) }, maxStarts},
		{"a conflict, which does not say that none was started", func(int) (string, error) { return "", refused(409) }, maxStarts},
		{"a start that took too long", func(int) (string, error) { return "", refused(408) }, maxStarts},
		{"at capacity, which costs nothing", func(int) (string, error) { return "", refused(429) }, 11},
		{"no money", func(int) (string, error) { return "", refused(402) }, 1},
		{"a key that is refused", func(int) (string, error) { return "", refused(401) }, 1},
		{"an address that nobody knows", func(n int) (string, error) { return fmt.Sprintf("s%d", n), errors.New("it does not show") }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &calls{}
				placed, ended := 0, map[string]int{}
				test := TestCall{Agent: "bot", Road: "daily", Target: revision.Target{ID: "new"}, Timeout: 2 * time.Minute,
					Place: func(context.Context) (string, phone.Road, error) {
						placed++
						id, err := tt.place(placed)
						api.sessions = append(api.sessions, pipecat.Session{ID: id, DeploymentID: "before"})
						return id, nil, err
					},
					End: func(_ context.Context, session string) error { ended[session]++; return nil }}
				err := Call(t.Context(), api, test, event.Emitter{})
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Reason != verdict.ReasonUnproven || placed != tt.placed {
					t.Errorf("%d times, %v", placed, err)
				}
				for _, s := range api.sessions {
					if s.ID != "" && ended[s.ID] != 1 {
						t.Errorf("session %s is ended %d times", s.ID, ended[s.ID])
					}
				}
			})
		})
	}
}

// TestCallAtCapacity holds that a refused call is made again until the timeout, and not
// before the platform asks for it.
func TestCallAtCapacity(t *testing.T) {
	for _, tt := range []struct {
		timeout, retryAfter time.Duration
		at                  []int // seconds
	}{
		{20 * time.Second, 0, []int{0, 2, 6, 14, 19}},
		{15 * time.Second, 0, []int{0, 2, 6, 14}},
		{14500 * time.Millisecond, 0, []int{0, 2, 6, 13}},
		{20 * time.Second, 9 * time.Second, []int{0, 9, 18}},
		{20 * time.Second, time.Minute, []int{0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var at []int
			test := TestCall{Agent: "bot", Road: "daily", Target: revision.Target{ID: "new"}, Timeout: tt.timeout,
				Place: func(context.Context) (string, phone.Road, error) {
					at = append(at, int(time.Since(began).Seconds()))
					return "", nil, &pipecat.Error{Status: 429, FromAPI: true, RetryAfter: tt.retryAfter}
				},
				End: func(context.Context, string) error { return nil }}
			err := Call(t.Context(), &calls{}, test, event.Emitter{})
			if verdict.Of("", err).Reason() != verdict.ReasonUnproven || !slices.Equal(at, tt.at) || time.Since(began) > tt.timeout {
				t.Errorf("for %s, it calls at %v: %v", tt.timeout, at, err)
			}
		})
	}
}

// TestCallSuperseded holds that a call which another deployment answers is superseded
// where that one is wanted now, and that one which proves something is not.
func TestCallSuperseded(t *testing.T) {
	for _, tt := range []struct {
		desired, answers, log string
		reason                verdict.Reason
	}{
		{"theirs", "theirs", "", verdict.ReasonSuperseded},
		{"new", "theirs", "", verdict.ReasonUnproven},
		{"old", "old", "", verdict.ReasonUnproven}, // the read is old
		{"", "theirs", "", verdict.ReasonUnproven},
		{"theirs", "new", raisedLine, verdict.ReasonNoAnswer},
		{"theirs", "new", "up", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			api := &calls{sessions: []pipecat.Session{{ID: "s", DeploymentID: tt.answers}}, log: []string{tt.log}, desired: tt.desired}
			test := TestCall{Agent: "bot", Road: "daily", Target: revision.Target{ID: "new", Previous: "old"}, Timeout: time.Minute,
				Place: func(context.Context) (string, phone.Road, error) { return "s", nil, nil },
				End:   func(context.Context, string) error { return nil }}
			err := Call(t.Context(), api, test, event.Emitter{})
			if got := verdict.Of("", err).Reason(); err == nil != (tt.reason == "") || err != nil && got != tt.reason {
				t.Errorf("%q is wanted, and %q answers: %v", tt.desired, tt.answers, err)
			}
		})
	}
}

// TestCallStopped holds that a call ends with its job, and so does its session.
func TestCallStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, stop)
		ended := false
		test := TestCall{Agent: "bot", Road: "daily", Target: revision.Target{ID: "new"}, Timeout: time.Minute,
			Place: func(context.Context) (string, phone.Road, error) { return "s", nil, nil },
			End:   func(context.Context, string) error { ended = true; return nil }}
		began := time.Now()
		err := Call(ctx, &calls{sessions: []pipecat.Session{{ID: "s", DeploymentID: "new"}}}, test, event.Emitter{})
		if verdict.Of("", err).Status() != verdict.Cancelled || !ended || time.Since(began) > 4*time.Second {
			t.Errorf("after %s: %v, session ended: %v", time.Since(began), err, ended)
		}
	})
}

// voice is an agent that greets at once.
type voice struct{ silence }

func (v voice) Dial(ctx context.Context) (phone.Line, error) {
	_, err := v.silence.Dial(ctx)
	return v, err
}
func (v voice) Hear(ctx context.Context) (phone.Heard, error) {
	time.Sleep(500 * time.Millisecond)
	h := phone.Heard{Rate: 8000, Samples: make([]int16, 4000)}
	for i := range h.Samples {
		h.Samples[i] = int16(20000 * bots.Speech(float64(i)/8000))
	}
	return h, ctx.Err()
}

// TestCallLate holds that an answer by a deployment that shows late counts, until the
// timeout, and that one by another deployment does not.
func TestCallLate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		deployment string
		after      time.Duration
		alone      bool
		cause      verdict.Cause // "" for an answer
		lasts      time.Duration // at most
	}{
		{"at once", "new", 0, false, "", 2 * time.Second},
		{"after ten seconds", "new", 10 * time.Second, false, "", 12 * time.Second},
		{"after ten seconds, which nobody waits for", "new", 10 * time.Second, true, "", 2 * time.Second},
		{"another, after ten seconds", "before", 10 * time.Second, false, verdict.CallOldInstance, 62 * time.Second},
		{"never", "new", time.Hour, false, verdict.CallUnknownDeployment, 62 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				api := &calls{sessions: []pipecat.Session{{ID: "s", DeploymentID: tt.deployment}}, shows: began.Add(tt.after)}
				test := TestCall{Agent: "bot", Road: "webrtc", Target: revision.Target{ID: "new"}, Alone: tt.alone, Timeout: time.Minute,
					Place: func(context.Context) (string, phone.Road, error) { return "s", voice{}, nil },
					End:   func(context.Context, string) error { return nil }}
				err := Call(t.Context(), api, test, event.Emitter{})
				var f *verdict.Failure
				if errors.As(err, &f) != (tt.cause != "") || f != nil && f.Cause != tt.cause {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took > tt.lasts {
					t.Errorf("it takes %s", took)
				}
			})
		})
	}
}

// TestCallNotEnded holds that a session which cannot be ended is reported, and changes no
// verdict.
func TestCallNotEnded(t *testing.T) {
	for _, failure := range []error{nil, errors.New("500")} {
		synctest.Test(t, func(t *testing.T) {
			var told []event.NotEnded
			test := TestCall{Agent: "bot", Road: "webrtc", Target: revision.Target{ID: "new"}, Alone: true, Timeout: time.Minute,
				Place: func(context.Context) (string, phone.Road, error) { return "s", voice{}, nil },
				End:   func(context.Context, string) error { return failure }}
			err := Call(t.Context(), &calls{}, test, event.Emitter{Handle: func(e event.Entry) {
				if n, ok := e.Event.(event.NotEnded); ok {
					told = append(told, n)
				}
			}})
			if err != nil || len(told) > 0 != (failure != nil) || len(told) > 0 && told[0] != (event.NotEnded{Session: "s", Err: failure}) {
				t.Errorf("%v, told %v", err, told)
			}
		})
	}
}

// baked is an agent that is watched: it serves but for a time, and its sessions begin
// as it goes.
type baked struct {
	calls
	began    time.Time
	from, to time.Duration // in which it does not serve
	away     bool          // in that time it cannot be read
	later    []pipecat.Session
	latest   []pipecat.Session // half a minute after those
}

func (b *baked) Agent(context.Context, string) (*pipecat.Agent, error) {
	at := time.Since(b.began)
	down := at >= b.from && at < b.to
	if down && b.away {
		return nil, &pipecat.Error{Status: 502}
	}
	if at > 10*time.Second && b.later != nil {
		kept := slices.DeleteFunc(slices.Clone(b.sessions), func(s pipecat.Session) bool {
			return slices.ContainsFunc(b.later, func(now pipecat.Session) bool { return now.ID == s.ID })
		})
		b.sessions, b.later = append(b.later, kept...), nil
	}
	if at > 40*time.Second && b.latest != nil {
		b.sessions, b.latest = append(b.latest, b.sessions...)[:bakeSessions], nil
		for i := 3; i < bakeSessions; i++ { // the list has nothing else of before
			b.sessions[i] = pipecat.Session{ID: "gone", DeploymentID: "other"}
		}
	}
	ready := pipecat.True
	if down {
		ready = pipecat.False
	}
	return &pipecat.Agent{Name: "bot", DesiredDeploymentID: "new", ReconciledDeploymentID: "new", Ready: ready, Available: ready}, nil
}

// TestBake holds what ends the watch of a deployment, and how.
func TestBake(t *testing.T) {
	const s = time.Second
	session := func(id, deployment, status string) pipecat.Session {
		// By another clock, all began before the watch.
		return pipecat.Session{ID: id, DeploymentID: deployment, CompletionStatus: status, CreatedAt: pipecat.Time{Time: time.Unix(0, 0)}}
	}
	failing := []pipecat.Session{session("1", "new", "HTTP_ERROR"), session("2", "new", "HTTP_ERROR"), session("3", "new", "HTTP_ERROR")}
	well := []pipecat.Session{session("1", "new", "HTTP_COMPLETED"), session("2", "new", "HTTP_COMPLETED"), session("3", "new", "HTTP_COMPLETED")}
	raised := map[string][]string{"1": {raisedLine}, "2": {raisedLine}, "3": {raisedLine}}
	const noOffer = "2026-08-01 12:00:00.123 | ERROR    | app:run_bot:42 | s - Timeout waiting for WebRTC connection: WebRTC connection not received within 120 seconds"
	unoffered := map[string][]string{"1": {noOffer}, "2": {noOffer}, "3": {noOffer}}
	five := append(slices.Clone(well), session("4", "new", "HTTP_COMPLETED"), session("5", "new", "HTTP_COMPLETED"))
	raisedLast := map[string][]string{"3": {raisedLine}, "4": {raisedLine}, "5": {raisedLine}}
	six := append([]pipecat.Session{session("4", "new", "500"), session("5", "new", "500"), session("6", "new", "500")}, well...)
	either := map[string][]string{"1": {raisedLine}, "2": {raisedLine}, "3": {raisedLine}, "4": {noOffer}, "5": {noOffer}, "6": {noOffer}}
	active := []pipecat.Session{session("1", "new", ""), session("2", "new", ""), session("3", "new", "")}
	var many []pipecat.Session
	for i := range 200 {
		many = append(many, session(fmt.Sprint("m", i), "new", "HTTP_COMPLETED"))
	}
	for _, tt := range []struct {
		name   string
		agent  baked
		status verdict.Status // "" for none
		reason verdict.Reason
		says   string
	}{
		{"it serves", baked{}, "", "", ""},
		{"it does not for a while", baked{from: 20 * s, to: 60 * s}, "", "", ""},
		{"it does not at the end, and then again", baked{from: 110 * s, to: 140 * s}, "", "", ""},
		{"it serves no longer", baked{from: 20 * s, to: 1000 * s}, verdict.Failed, verdict.Bake, "has not served calls for 1m"},
		{"it does not serve at the end", baked{from: 110 * s, to: 1000 * s}, verdict.Failed, verdict.Bake, "has not served calls for 1m"},
		{"it cannot be read at the end", baked{from: 110 * s, to: 1000 * s, away: true}, verdict.TimedOut, verdict.API, "could not be read at the end of bake-time"},
		{"sessions fail", baked{later: failing}, verdict.Failed, verdict.Bake, "all 3 sessions"},
		{"half of them fail", baked{later: append([]pipecat.Session{session("4", "new", "HTTP_COMPLETED"), session("5", "new", "HTTP_COMPLETED"), session("6", "new", "HTTP_COMPLETED")}, failing...)}, "", "", ""},
		{"two fail", baked{later: failing[:2]}, "", "", ""},
		{"they failed before", baked{calls: calls{sessions: failing}}, "", "", ""},
		{"another deployment's fail", baked{later: []pipecat.Session{session("1", "old", "HTTP_ERROR"), session("2", "old", "HTTP_ERROR"), session("3", "old", "HTTP_ERROR")}}, "", "", ""},
		{"they raise", baked{calls: calls{logs: raised}, later: well}, verdict.Failed, verdict.Bake, "all 3 sessions"},
		{"they raise, and their logs are late", baked{calls: calls{logs: raised, silent: map[string]int{"1": 1, "2": 2, "3": 2}}, later: well}, verdict.Failed, verdict.Bake, "all 3 sessions"},
		{"they raise, and their logs are slow", baked{calls: calls{logs: raisedLast, slow: 10 * s}, later: five}, verdict.Failed, verdict.Bake, "3 of the first 5 sessions"},
		{"they end well, and their logs are slow", baked{calls: calls{logs: map[string][]string{}, slow: 10 * s}, later: five}, "", "", ""},
		{"they end well", baked{calls: calls{logs: map[string][]string{}}, later: well}, "", "", ""},
		{"two raise", baked{calls: calls{logs: map[string][]string{"1": {raisedLine}, "2": {raisedLine}}}, later: well}, "", "", ""},
		{"they wait for offers that never come", baked{calls: calls{logs: unoffered}, later: failing}, "", "", ""},
		{"they raise, and others wait for offers", baked{calls: calls{logs: either}, later: six}, verdict.Failed, verdict.Bake, "all 3 sessions"},
		{"they began before, and raise", baked{calls: calls{sessions: slices.Concat(active, many), logs: raised}, latest: well}, verdict.Failed, verdict.Bake, "all 3 sessions"},
		{"they began before, and end well", baked{calls: calls{sessions: slices.Concat(active, many), logs: map[string][]string{}}, latest: well}, "", "", ""},
		{"they end as the watch begins", baked{calls: calls{sessions: active, logs: raised}, later: well}, "", "", ""},
		{"nobody knows of which deployment they are", baked{later: []pipecat.Session{session("1", "", "HTTP_ERROR"), session("2", "", "HTTP_ERROR"), session("3", "", "HTTP_ERROR")}}, "", "", ""},
		{"they fail, after many that a list shows no longer", baked{calls: calls{logs: map[string][]string{}}, later: many, latest: failing}, "", "", ""},
		{"sessions cannot be read", baked{calls: calls{err: errors.New("no")}}, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.agent.began = time.Now()
				err := Bake(t.Context(), &tt.agent, "bot", revision.Target{ID: "new", Previous: "old"}, Policy{}, 2*time.Minute, event.Emitter{})
				if tt.status == "" {
					if took := time.Since(tt.agent.began); err != nil || took < 2*time.Minute || took > 150*time.Second {
						t.Errorf("after %s: %v", took, err)
					}
					return
				}
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Status != tt.status || f.Reason != tt.reason || !strings.Contains(f.Message, tt.says) {
					t.Errorf("%+v", err)
				}
			})
		})
	}
}

// busy is an agent that a caller calls every six seconds, and that raises from some time on.
type busy struct {
	baked
	raises time.Duration
}

func (b *busy) Sessions(_ context.Context, _ string, f pipecat.SessionFilter) (all []pipecat.Session, err error) {
	for n := int(time.Since(b.began) / (6 * time.Second)); n > 0 && len(all) < f.Limit; n-- {
		all = append(all, pipecat.Session{ID: strconv.Itoa(n), DeploymentID: "new", CompletionStatus: "HTTP_COMPLETED"})
	}
	return all, nil
}

func (b *busy) SessionLogs(_ context.Context, _, id string, _ int) ([]pipecat.LogLine, error) {
	if n, _ := strconv.Atoi(id); time.Duration(n)*6*time.Second < b.raises {
		return nil, nil
	}
	return []pipecat.LogLine{{Text: raisedLine}}, nil
}

// TestBakeLong holds that the sessions count of a watch that is as long as may be.
func TestBakeLong(t *testing.T) {
	for raises, fails := range map[time.Duration]bool{2 * time.Minute: true, 10 * time.Minute: false, 2 * time.Hour: false} {
		synctest.Test(t, func(t *testing.T) {
			agent := busy{baked{began: time.Now()}, raises}
			err := Bake(t.Context(), &agent, "bot", revision.Target{ID: "new"}, Policy{}, 15*time.Minute, event.Emitter{})
			if (err != nil) != fails {
				t.Errorf("raising after %s: %v", raises, err)
			}
		})
	}
}

// crowded is an agent that twenty callers call each second, for half a minute each.
type crowded struct {
	baked
	status string
	raises int // of so many sessions one raises; 0: none does
}

func (c *crowded) Sessions(_ context.Context, _ string, f pipecat.SessionFilter) (all []pipecat.Session, err error) {
	now := int(time.Since(c.began) / (50 * time.Millisecond))
	for n := now - f.Offset; n > 0 && len(all) < f.Limit; n-- {
		s := pipecat.Session{ID: strconv.Itoa(n), DeploymentID: "new"}
		if now-n >= 600 {
			s.CompletionStatus = c.status
		}
		all = append(all, s)
	}
	return all, nil
}

func (c *crowded) SessionLogs(_ context.Context, _, id string, _ int) ([]pipecat.LogLine, error) {
	if n, _ := strconv.Atoi(id); c.raises == 0 || n%c.raises > 0 {
		return nil, nil
	}
	return []pipecat.LogLine{{Text: raisedLine}}, nil
}

// TestBakeCrowd holds that sessions count which are not among the newest, and that those
// whose log was read stand for others.
func TestBakeCrowd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		agent crowded
		says  string // "" for nothing
	}{
		{"they end well", crowded{status: "HTTP_COMPLETED"}, ""},
		{"they fail", crowded{status: "500"}, "sessions of the new deployment failed"},
		{"they raise", crowded{status: "HTTP_COMPLETED", raises: 1}, "sessions of the new deployment, of those whose log was read, failed"},
		{"a third of them raises", crowded{status: "HTTP_COMPLETED", raises: 3}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.agent.began = time.Now()
				err := Bake(t.Context(), &tt.agent, "bot", revision.Target{ID: "new", Previous: "old"}, Policy{}, 2*time.Minute, event.Emitter{})
				if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Error(err)
				}
			})
		})
	}
}

// TestBakeShows holds that the error that most sessions met is shown, once.
func TestBakeShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const at = "2026-08-01 12:00:00.123 | "
		rare, common := raisedLine, at+"ERROR    | app:run_bot:42 | s - Exception running bot(): no credit"
		agent := baked{began: time.Now(), calls: calls{logs: map[string][]string{
			"1": {rare}, "2": {at + "INFO     | app:run_bot:40 | s - Starting bot session", common}, "3": {common},
		}}}
		for id := range agent.logs {
			agent.later = append(agent.later, pipecat.Session{ID: id, DeploymentID: "new", CompletionStatus: "HTTP_COMPLETED"})
		}
		var f *verdict.Failure
		if err := Bake(t.Context(), &agent, "bot", revision.Target{ID: "new"}, Policy{}, time.Minute, event.Emitter{}); !errors.As(err, &f) || f.Output() != common {
			t.Errorf("%v, showing %q", err, f.Output())
		}
	})
}

// TestBakeOld holds which sessions are reported as those of old instances: none whose
// deployment nobody knows.
func TestBakeOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &baked{began: time.Now(), later: []pipecat.Session{{ID: "1", DeploymentID: "old"}, {ID: "2"}, {ID: "3", DeploymentID: "new"}}}
		var last event.Baked
		err := Bake(t.Context(), b, "bot", revision.Target{ID: "new", Previous: "old"}, Policy{}, time.Minute, event.Emitter{Handle: func(e event.Entry) {
			if seen, ok := e.Event.(event.Baked); ok {
				last = seen
			}
		}})
		if err != nil || last.Old != 1 || last.Active != 1 || last.Sessions != 0 || !last.End {
			t.Errorf("%+v, %v", last, err)
		}
	})
}

// TestCallSays holds what is said of calls whose cause alone does not say it.
func TestCallSays(t *testing.T) {
	spoke := hearing.Call{Connected: true, HungUp: true, Agent: []hearing.Span{{From: 0, To: time.Second}}}
	for _, tt := range []struct {
		evidence CallEvidence
		cause    verdict.Cause
		want     string
	}{
		{CallEvidence{Call: hearing.Call{Connected: true, HungUp: true}}, verdict.CallEnded, "the agent ended the test call before it was heard"},
		{CallEvidence{Call: spoke}, verdict.CallEnded, "the agent ended the test call before it answered what the call said"},
		{CallEvidence{}, verdict.CallProtocol, "the agent does not speak the protocol of test-call: webrtc"},
		{CallEvidence{Problem: &phone.Error{Problem: phone.Unsuitable, Err: errors.New("why")}}, verdict.CallProtocol, "the agent does not speak the protocol of test-call: webrtc (why)"},
		{CallEvidence{Problem: &phone.Error{Problem: phone.Broken, Host: "calls.test", Err: errors.New("read: connection reset by peer")}}, verdict.CallNetwork,
			"the test call failed: the connection to calls.test was lost: read: connection reset by peer"},
		{CallEvidence{Refused: &pipecat.Error{Err: errors.New("it does not show")}}, "", "the test call could not be made: it does not show"},
		{CallEvidence{}, "", "the test call failed"},
		{CallEvidence{Refused: &pipecat.Error{Method: "POST", URL: "/start", Err: errors.New("reset")}}, verdict.CallNetwork, "the test call could not be made: POST /start: no answer: reset"},
		{CallEvidence{Problem: &phone.Error{Problem: phone.Refused, Host: "calls.test", Status: 403}}, verdict.CallRefused, "the test call failed: calls.test refused the call: status 403"},
		{CallEvidence{Call: hearing.Call{Lasted: 9 * time.Second}}, verdict.CallSilent, "the agent was not heard within test-call-timeout (1m)"},
		{CallEvidence{Call: hearing.Call{Lasted: 10 * time.Second}}, verdict.CallSilent, "the agent was not heard within max-answer-time (10s)"},
		{CallEvidence{Call: hearing.Call{Lasted: 3 * time.Second, Caller: spoke.Agent}}, verdict.CallNoResponse, "the agent did not answer what the test call said"},
		{CallEvidence{Call: hearing.Call{Lasted: 5 * time.Second, Caller: spoke.Agent}}, verdict.CallNoResponse, "the agent did not answer what the test call said within max-response-time (4s)"},
	} {
		call := TestCall{Road: "webrtc", Timeout: time.Minute, Plan: phone.Plan{MaxAnswer: 10 * time.Second, MaxResponse: 4 * time.Second}}
		if got := call.says(tt.evidence, tt.cause); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

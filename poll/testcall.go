package poll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pacing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxStarts    = 4                // of one test call; what is refused is none
	callPace     = time.Second      // between reads of a session
	shownWithin  = 5 * time.Second  // that a session and its deployment show
	sessionLines = 200              // of a session's log that are read
	maxCallWait  = 15 * time.Second // before another call
	leastCall    = time.Second      // of test-call-timeout, for another call
)

// TestCall is how an agent is called. Place makes a call possible, and End ends its
// session, which may be none.
type TestCall struct {
	Agent   string
	Road    string
	Target  revision.Target
	Alone   bool // no other deployment has instances that could take the call
	Timeout time.Duration
	Plan    phone.Plan // but for its Until
	Place   func(context.Context) (session string, road phone.Road, err error)
	End     func(ctx context.Context, session string) error
}

// Call calls an agent until it has answered, until it is proved that it does not, or
// until the timeout. Its error is a *verdict.Failure.
func Call(ctx context.Context, api Calls, t TestCall, emit event.Emitter) error {
	defer emit.Emit(event.WaitEnded{})
	began := time.Now()
	deadline := began.Add(t.Timeout)
	waits := pacing.Exponential(2*time.Second, 2, maxCallWait)
	started := 0
	for attempt := 1; ; attempt++ {
		emit.Emit(event.Calling{Road: t.Road, Attempt: attempt})
		stop := heartbeats(emit, "in the test call", began)
		e, v, session := t.once(ctx, api, deadline, emit)
		stop()
		wait := waits.NextBackOff()
		if e.Refused != nil { // which costs nothing
			wait = max(min(wait, time.Until(deadline)-leastCall), min(e.Refused.RetryAfter, pacing.MaxRetryAfter))
		}
		if !startRefused(e.Refused) {
			started++ // or perhaps
		}
		again := v.Again && started < maxStarts && wait > 0 && time.Until(deadline) > wait
		if !again || ctx.Err() != nil {
			emit.Emit(event.Called{Road: t.Road, Session: session, Answer: v.Answer, Cause: v.Cause, Heard: e.Call})
		}
		switch {
		case ctx.Err() != nil:
			return verdict.NewCancelled("the job was stopped during the test call; %s serves calls", t.Target.Deployment())
		case v.Answer == verdict.Answered:
			return nil
		case !again:
			if v.Answer == verdict.Unproven {
				if f := t.superseded(ctx, api); f != nil {
					return f
				}
			}
			return t.failure(e, v)
		}
		emit.Emit(event.Retrying{Try: event.TryCall, Err: errors.New(t.says(e, v.Cause)), In: wait})
		if pacing.Sleep(ctx, wait) != nil {
			continue // it ends above
		}
	}
}

// superseded reads the agent, and returns a failure if another deployment has replaced
// the one that was called.
func (t TestCall) superseded(ctx context.Context, api Agents) *verdict.Failure {
	limited, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	agent, err := api.Agent(limited, t.Agent)
	if err != nil || !t.Target.IsSuperseded(agent) {
		return nil
	}
	return verdict.NewSuperseded("another client has deployed during the test call: deployment %s replaced %s", agent.Desired(), t.Target.ID)
}

// startRefused reports whether a response says that no session was started. Any other
// may come from one that was.
func startRefused(e *pipecat.Error) bool {
	if e == nil || e.Status == http.StatusRequestTimeout || e.Status == http.StatusConflict {
		return false
	}
	return e.Status >= 400 && e.Status < 500
}

// heartbeats emits that a stage continues, until stop is called.
func heartbeats(emit event.Emitter, stage string, start time.Time) (stop func()) {
	began := time.Now()
	ticker, done := time.NewTicker(heartbeat), make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		for {
			select {
			case now := <-ticker.C:
				emit.Emit(event.Heartbeat{Still: stage, For: now.Sub(began), Elapsed: now.Sub(start)})
			case <-done:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(done)
		beats.Wait()
	}
}

// once makes one call, and ends its session.
func (t TestCall) once(ctx context.Context, api Sessions, deadline time.Time, emit event.Emitter) (e CallEvidence, v CallVerdict, session string) {
	policy := CallPolicy{TargetID: t.Target.ID, Alone: t.Alone, Says: t.Plan.Say != nil, MaxAnswer: t.Plan.MaxAnswer, MaxResponse: t.Plan.MaxResponse}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	session, road, err := t.Place(limited)
	defer t.end(ctx, session, emit) // and never one that was found, which may be a real caller's
	if err != nil {
		if e.Refused = new(pipecat.Error); !errors.As(err, &e.Refused) {
			e.Refused = &pipecat.Error{Err: err}
			return e, CallVerdict{Answer: verdict.Unproven}, session // which no other call changes
		}
		return e, JudgeCall(e, policy), session
	}
	if policy.Heard = road != nil; policy.Heard {
		before := t.newSessions(limited, api, session, nil)
		plan := t.Plan
		plan.Until = deadline
		dialed := time.Now()
		if e.Call, err = phone.Make(ctx, road, plan); err != nil {
			if e.Problem = new(phone.Error); !errors.As(err, &e.Problem) {
				e.Problem = &phone.Error{Problem: phone.Broken, Err: err}
			}
		}
		if session == "" && e.Call.Connected {
			e.Final = true
			if v := JudgeCall(e, policy); v.Answer != verdict.Answered {
				return t.watch(ctx, api, e, policy, t.find(ctx, api, before, dialed.Add(e.Call.Dialed+shownWithin)), deadline)
			}
		}
	}
	return t.watch(ctx, api, e, policy, session, deadline)
}

// end ends a session that this call has started, which may be none.
func (t TestCall) end(ctx context.Context, session string, emit event.Emitter) {
	if err := t.End(ctx, session); err != nil {
		emit.Emit(event.NotEnded{Session: session, Err: err})
	}
}

// newSessions are the agent's sessions but for those before; nil where they cannot be
// read, or the call's own is known.
func (t TestCall) newSessions(ctx context.Context, api Sessions, own string, before map[string]bool) map[string]bool {
	if own != "" {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	sessions, err := api.Sessions(limited, t.Agent, pipecat.SessionFilter{Limit: bakeSessions})
	if err != nil {
		return nil
	}
	found := map[string]bool{}
	for _, s := range sessions {
		if !before[s.ID] {
			found[s.ID] = true
		}
	}
	return found
}

// find finds the session of a call that named none: the only one that was not there
// before, once its own must have shown. It returns "" where that is not clear.
func (t TestCall) find(ctx context.Context, api Sessions, before map[string]bool, shown time.Time) string {
	if before == nil || pacing.Sleep(ctx, time.Until(shown)) != nil {
		return ""
	}
	for until := time.Now().Add(shownWithin); time.Now().Before(until); {
		found := t.newSessions(ctx, api, "", before)
		for id := range found {
			if len(found) == 1 {
				return id
			}
		}
		if found != nil || pacing.Sleep(ctx, callPace) != nil {
			break
		}
	}
	return ""
}

// watch reads the session of a call until it shows what the call proves. Of one that was
// heard, only the deployment is waited for until the deadline.
func (t TestCall) watch(ctx context.Context, api Sessions, e CallEvidence, p CallPolicy, session string, deadline time.Time) (CallEvidence, CallVerdict, string) {
	began := time.Now()
	shown, since := began.Add(shownWithin), began
	latest := deadline
	if p.Heard {
		deadline = shown
	}
	for {
		if session != "" {
			live := e.Live()
			read := t.read(ctx, api, &e, session)
			if live != e.Live() || e.Session == nil {
				since = time.Now()
			}
			if read {
				e.For = time.Since(since)
			}
		}
		now := time.Now()
		e.Final = session == "" || !now.Before(deadline)
		v := JudgeCall(e, p)
		waits := !e.Final && (v.Answer == "" || v.Answer == verdict.NoAnswer && p.Heard && v.Said == "" && now.Before(shown))
		if v.Cause == verdict.CallUnknownDeployment && session != "" {
			waits = now.Before(shown) || now.Before(latest)
		}
		if !waits || ctx.Err() != nil {
			return e, v, session
		}
		if pacing.Sleep(ctx, callPace) != nil {
			return e, v, session
		}
	}
}

// read takes what the session and its log show, and reports whether the session was
// read. A read that fails shows nothing new.
func (t TestCall) read(ctx context.Context, api Sessions, e *CallEvidence, session string) (read bool) {
	limited, cancel := context.WithTimeout(ctx, shownWithin)
	defer cancel()
	if s, err := api.Session(limited, t.Agent, session); err == nil {
		e.Session, read = s, true
	}
	lines, err := api.SessionLogs(limited, t.Agent, session, sessionLines)
	if e.Logged = err == nil; !e.Logged {
		return read
	}
	e.Log = nil
	for _, l := range lines {
		e.Log = append(e.Log, strings.TrimRight(l.Text, "\r\n"))
		if e.DeploymentID == "" {
			e.DeploymentID = l.DeploymentID
		}
	}
	return read
}

// failure is why a test call makes the job red.
func (t TestCall) failure(e CallEvidence, v CallVerdict) *verdict.Failure {
	f := &verdict.Failure{Status: verdict.Failed, Reason: verdict.ReasonUnproven, Cause: v.Cause, Message: t.says(e, v.Cause), Said: firstLine(v.Said)}
	if v.Answer == verdict.NoAnswer {
		f.Reason = verdict.ReasonNoAnswer
	}
	f.Show(verdict.FromAgentLog, strings.Join(withoutInfo(e.Log), "\n"))
	return f
}

// says is the result of a call, in one line.
func (t TestCall) says(e CallEvidence, cause verdict.Cause) string {
	refused := func() string {
		if e.Refused == nil {
			return ""
		}
		return ": " + e.Refused.Error()
	}
	answer, _ := e.Call.Answer()
	response, _ := e.Call.Response()
	switch cause {
	case verdict.CallRaised:
		return "the agent raised an exception in the test call"
	case verdict.CallEnded:
		if len(e.Call.Agent) > 0 {
			return "the agent ended the test call before it answered what the call said"
		}
		return "the agent ended the test call before it was heard"
	case verdict.CallSilent:
		if most := t.Plan.MaxAnswer; most > 0 && e.Call.Lasted >= most {
			return fmt.Sprintf("the agent was not heard within max-answer-time (%s)", quantity.Limit(most))
		}
		return fmt.Sprintf("the agent was not heard within test-call-timeout (%s)", quantity.Limit(t.Timeout))
	case verdict.CallLate:
		return fmt.Sprintf("the agent answered after %s, and max-answer-time is %s", quantity.Span(answer), quantity.Limit(t.Plan.MaxAnswer))
	case verdict.CallNoResponse:
		if most := t.Plan.MaxResponse; most > 0 && len(e.Call.Caller) > 0 && e.Call.Lasted >= e.Call.Caller[0].To+most {
			return fmt.Sprintf("the agent did not answer what the test call said within max-response-time (%s)", quantity.Limit(most))
		}
		return "the agent did not answer what the test call said"
	case verdict.CallSlow:
		return fmt.Sprintf("the agent responded after %s, and max-response-time is %s", quantity.Span(response), quantity.Limit(t.Plan.MaxResponse))
	case verdict.CallNotStarted:
		return "no instance of the agent answered the test call"
	case verdict.CallAtCapacity:
		return "the test call could not be made: the agent is at capacity" + refused()
	case verdict.CallNotReady:
		return "the test call could not be made: the platform starts no session yet" + refused()
	case verdict.CallSpendLimit:
		return "the test call could not be made: the organization's spend limit is reached" + refused()
	case verdict.CallKeyRefused:
		return "the test call could not be made: the API rejected public-api-key" + refused()
	case verdict.CallOldInstance:
		return "an instance of another deployment answered the test call"
	case verdict.CallUnknownDeployment:
		return "nothing shows which deployment answered the test call"
	case verdict.CallNoMedia:
		return "the test call found no way through the network for sound (UDP may be blocked); use websocket or daily"
	case verdict.CallProtocol:
		if e.Problem != nil && e.Problem.Err != nil {
			return fmt.Sprintf("the agent does not speak the protocol of test-call: %s (%v)", t.Road, e.Problem.Err)
		}
		return fmt.Sprintf("the agent does not speak the protocol of test-call: %s", t.Road)
	case verdict.CallNotShown:
		return "the session of the test call never showed what came of it"
	case verdict.CallLeft:
		return "the agent left the empty room of the test call, which proves nothing"
	case verdict.CallStopped:
		return "the test call was stopped"
	case verdict.CallRefused:
		if e.Refused != nil {
			return "the platform refused the test call" + refused()
		}
	}
	if e.Problem != nil {
		return "the test call failed: " + e.Problem.Error()
	}
	if e.Refused != nil {
		return "the test call could not be made" + refused()
	}
	return "the test call failed"
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(s)
}

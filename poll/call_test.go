package poll_test

import (
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

var callAt = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// span is a time in which someone speaks, in tenths of a second.
func span(from, to int) hearing.Span {
	return hearing.Span{From: time.Duration(from) * 100 * time.Millisecond, To: time.Duration(to) * 100 * time.Millisecond}
}

// heard is a call in which the agent spoke.
func heard(agent ...hearing.Span) hearing.Call {
	return hearing.Call{Connected: true, Agent: agent}
}

// replied is one in which the caller spoke, too.
func replied(caller hearing.Span, agent ...hearing.Span) hearing.Call {
	c := heard(agent...)
	c.Caller = []hearing.Span{caller}
	return c
}

// ours is a session of the target's; its state is "" while it is live.
func ours(status string, lived time.Duration) *pipecat.Session {
	s := &pipecat.Session{ID: "s", DeploymentID: "new", CompletionStatus: status, CreatedAt: pipecat.Time{Time: callAt.Add(-lived)}}
	if status != "" {
		s.EndedAt = pipecat.Time{Time: callAt}
	}
	return s
}

// printed is a line of the platform's base image.
func printed(level, message string) []string {
	return []string{"2026-08-01 12:00:00.123 | " + level + " | app:run_bot:42 | 1b6c8f - " + message + "\n"}
}

func raisedIn(session *pipecat.Session) poll.CallEvidence {
	return poll.CallEvidence{Call: hearing.Call{Connected: true, HungUp: true}, Session: session, Log: printed("ERROR   ", "Exception running bot(): 'OPENAI_API_KEY'")}
}

func TestJudgeCall(t *testing.T) {
	const s = time.Second
	speaks := poll.CallPolicy{TargetID: "new", Heard: true}
	asks := poll.CallPolicy{TargetID: "new", Heard: true, Says: true}
	room := poll.CallPolicy{TargetID: "new"}
	old := &pipecat.Session{DeploymentID: "old", CreatedAt: pipecat.Time{Time: callAt.Add(-time.Minute)}}
	mine := func(c hearing.Call) poll.CallEvidence {
		return poll.CallEvidence{Call: c, Session: ours("", s)}
	}
	problem := func(p phone.Problem, status int) poll.CallEvidence {
		return poll.CallEvidence{Problem: &phone.Error{Problem: p, Status: status}, Session: ours("", s)}
	}
	refused := func(status int, code string) poll.CallEvidence {
		return poll.CallEvidence{Refused: &pipecat.Error{Status: status, Code: code, FromAPI: true}}
	}
	with := func(e poll.CallEvidence, change func(*poll.CallEvidence)) poll.CallEvidence { change(&e); return e }
	limits := func(p poll.CallPolicy, answer, response time.Duration) poll.CallPolicy {
		p.MaxAnswer, p.MaxResponse = answer, response
		return p
	}
	alone := func(p poll.CallPolicy) poll.CallPolicy { p.Alone = true; return p }

	for _, tt := range []struct {
		name     string
		evidence poll.CallEvidence
		policy   poll.CallPolicy
		want     verdict.Answer
		cause    verdict.Cause
		again    bool
	}{
		// What was heard.
		{"it greets", mine(heard(span(5, 20))), speaks, verdict.Answered, "", false},
		{"it greets in time", mine(heard(span(5, 20))), limits(speaks, s, 0), verdict.Answered, "", false},
		{"it greets late", mine(heard(span(15, 20))), limits(speaks, s, 0), verdict.NoAnswer, verdict.CallLate, false},
		{"it is silent", mine(heard()), speaks, verdict.NoAnswer, verdict.CallSilent, false},
		{"it replies", mine(replied(span(30, 50), span(5, 20), span(60, 80))), asks, verdict.Answered, "", false},
		{"it replies in time", mine(replied(span(30, 50), span(5, 20), span(60, 80))), limits(asks, s, 2*s), verdict.Answered, "", false},
		{"it replies late", mine(replied(span(30, 50), span(5, 20), span(80, 90))), limits(asks, s, 2*s), verdict.NoAnswer, verdict.CallSlow, false},
		{"it cuts in", mine(replied(span(30, 50), span(5, 20), span(45, 90))), limits(asks, s, s), verdict.Answered, "", false},
		{"it greets, and does not reply", mine(replied(span(30, 50), span(5, 20))), asks, verdict.NoAnswer, verdict.CallNoResponse, false},
		{"it continues its greeting", mine(replied(span(30, 50), span(5, 90))), asks, verdict.NoAnswer, verdict.CallNoResponse, false},
		{"it speaks only when spoken to, after max-answer-time", mine(replied(span(50, 70), span(80, 90))), limits(asks, s, 2*s), verdict.Answered, "", false},
		{"it is silent when spoken to", mine(replied(span(50, 70))), asks, verdict.NoAnswer, verdict.CallSilent, false},
		{"it hangs up", mine(hearing.Call{Connected: true, HungUp: true}), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"it hangs up after it greeted", mine(hearing.Call{Connected: true, HungUp: true, Agent: []hearing.Span{span(5, 20)}}), speaks, verdict.Answered, "", false},
		{"it hangs up without a closing message", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: phone.Wordless}), speaks, verdict.NoAnswer, verdict.CallEnded, true},
		{"its server goes away", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1001}), speaks, verdict.NoAnswer, verdict.CallEnded, true},
		{"its server is stopped", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1012}), speaks, verdict.NoAnswer, verdict.CallEnded, true},
		{"its gateway fails", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1014}), speaks, verdict.NoAnswer, verdict.CallEnded, true},
		{"it is busy", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1013}), speaks, verdict.Unproven, verdict.CallAtCapacity, true},
		{"it is busy, and raised", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) { e.Call.CloseCode = 1013 }), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"it closes in order", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1000}), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"it closes with an error", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1011}), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"it closes with a private code", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 4003}), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"its server is stopped after it greeted", mine(hearing.Call{Connected: true, HungUp: true, CloseCode: 1012, Agent: []hearing.Span{span(5, 20)}}), speaks, verdict.Answered, "", false},
		{"it hangs up instead of a reply", mine(hearing.Call{Connected: true, HungUp: true, Agent: []hearing.Span{span(5, 20)}}), asks, verdict.NoAnswer, verdict.CallEnded, false},
		{"it is heard, and then the network breaks", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Problem = &phone.Error{Problem: phone.Broken} }), speaks, verdict.Answered, "", false},
		{"it speaks another protocol", mine(hearing.Call{Connected: true, Foreign: 3}), speaks, verdict.Unproven, verdict.CallProtocol, false},
		{"it sends silence, and its own messages", mine(hearing.Call{Connected: true, Foreign: 3, Sounds: 50}), speaks, verdict.NoAnswer, verdict.CallSilent, false},
		{"it speaks, and sends its own messages", mine(hearing.Call{Connected: true, Foreign: 3, Agent: []hearing.Span{span(5, 20)}}), speaks, verdict.Answered, "", false},

		// What the platform shows of it.
		{"ran well", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Session = ours("HTTP_COMPLETED", 5*s) }), speaks, verdict.Answered, "", false},
		{"raised", raisedIn(ours("HTTP_COMPLETED", s)), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"raised, on another image's server", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) {
			e.Log = []string{"ERROR:    Exception in ASGI application\n", "Traceback (most recent call last):\n", "KeyError: 'x'\n"}
		}), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"the words of another image's server in another line", with(mine(heard()), func(e *poll.CallEvidence) {
			e.Log = []string{"INFO:     Exception in ASGI application\n", "user: ERROR:    Exception in ASGI application\n"}
		}), speaks, verdict.NoAnswer, verdict.CallSilent, false},
		{"raised, in color", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) {
			e.Log = []string{"\x1b[32m2026-08-01 12:00:00.123\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | \x1b[36mapp\x1b[0m:\x1b[36mrun_bot\x1b[0m:\x1b[36m42\x1b[0m - \x1b[31mException running bot(): x\x1b[0m"}
		}), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"raised while the connection broke", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) { e.Problem = &phone.Error{Problem: phone.Broken} }), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"raised after the greeting, without a reply", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) { e.Call.Agent = []hearing.Span{span(5, 20)} }), asks, verdict.NoAnswer, verdict.CallRaised, false},
		{"raised after it was heard", with(raisedIn(ours("", s)), func(e *poll.CallEvidence) { e.Call.Agent = []hearing.Span{span(5, 20)} }), speaks, verdict.Answered, "", false},
		{"a caller's words are in the log", with(mine(heard()), func(e *poll.CallEvidence) {
			e.Log = printed("DEBUG   ", "user: 2026-08-01 12:00:00.123 | ERROR | a:b:1 | s - Exception running bot(): x")
		}), speaks, verdict.NoAnswer, verdict.CallSilent, false},
		{"Twilio does not know the call", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Log = printed("ERROR   ", "Failed to terminate Twilio call CA1: 404") }), speaks, verdict.Answered, "", false},
		{"a pipeline that dies", with(mine(heard()), func(e *poll.CallEvidence) {
			e.Log = printed("ERROR   ", "PipelineTask#0: A fatal error occurred: no voice")
		}), speaks, verdict.NoAnswer, verdict.CallRaised, false},
		{"WebRTC, no offer", with(problem(phone.Unreachable, 0), func(e *poll.CallEvidence) {
			e.Session = ours("HTTP_ERROR", 120*s)
			e.Log = printed("ERROR   ", "Timeout waiting for WebRTC connection: WebRTC connection not received within 120 seconds")
		}), speaks, verdict.Unproven, verdict.CallNoMedia, false},
		{"WebRTC, no offer, no log", with(problem(phone.Unreachable, 0), func(e *poll.CallEvidence) { e.Session = ours("500", 120*s) }), speaks, verdict.Unproven, verdict.CallNetwork, true},
		{"WebSocket closed", with(mine(hearing.Call{Connected: true, HungUp: true}), func(e *poll.CallEvidence) { e.Session = ours("WS_CONNECTION_CLOSED", s) }), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"WebSocket closed by us", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Session = ours("WS_CONNECTION_CLOSED", s) }), speaks, verdict.Answered, "", false},
		{"no instance took it", with(mine(heard()), func(e *poll.CallEvidence) { e.Session = ours("BOT_CONNECTION_TIMEOUT", 60*s) }), speaks, verdict.NoAnswer, verdict.CallNotStarted, true},
		{"no instance took it, by its end state", with(mine(heard()), func(e *poll.CallEvidence) { e.Session.EndState = "agent_start_timeout" }), speaks, verdict.NoAnswer, verdict.CallNotStarted, true},
		{"another image's status", with(mine(heard()), func(e *poll.CallEvidence) { e.Session = ours("502", s) }), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"a status that nobody knows", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Session = ours("SOMETHING_NEW", s) }), speaks, verdict.Answered, "", false},

		// Who took it.
		{"another deployment", poll.CallEvidence{Call: heard(span(5, 20)), Session: old}, speaks, verdict.Unproven, verdict.CallOldInstance, true},
		{"another deployment, which raised", raisedIn(old), speaks, verdict.Unproven, verdict.CallOldInstance, true},
		{"another deployment, by the log", poll.CallEvidence{Call: heard(), DeploymentID: "old"}, speaks, verdict.Unproven, verdict.CallOldInstance, true},
		{"ours, by the log", poll.CallEvidence{Call: heard(span(5, 20)), DeploymentID: "new"}, speaks, verdict.Answered, "", false},
		{"nobody knows which", poll.CallEvidence{Call: heard(span(5, 20))}, speaks, verdict.Unproven, verdict.CallUnknownDeployment, false},
		{"nobody knows which, and it is silent", poll.CallEvidence{Call: heard()}, speaks, verdict.Unproven, verdict.CallUnknownDeployment, false},
		{"there is no other", poll.CallEvidence{Call: heard(span(5, 20))}, alone(speaks), verdict.Answered, "", false},
		{"there is no other, and it is silent", poll.CallEvidence{Call: heard()}, alone(speaks), verdict.NoAnswer, verdict.CallSilent, false},

		// What there was no call for.
		{"at capacity", refused(429, "PCC-AGENT-AT-CAPACITY"), speaks, verdict.Unproven, verdict.CallAtCapacity, true},
		{"at capacity, by another status", refused(400, "pcc-agent-at-capacity"), speaks, verdict.Unproven, verdict.CallAtCapacity, true},
		{"too many requests", refused(429, "429"), room, verdict.Unproven, verdict.CallAtCapacity, true},
		{"spend limit", refused(402, "SPEND_LIMIT_REACHED"), speaks, verdict.Unproven, verdict.CallSpendLimit, false},
		{"no key", refused(401, "401"), speaks, verdict.Unproven, verdict.CallKeyRefused, false},
		{"a Private key", refused(400, "PCC-1002"), speaks, verdict.Unproven, verdict.CallKeyRefused, false},
		{"not ready", refused(400, "PCC-1001"), speaks, verdict.Unproven, verdict.CallNotReady, true},
		{"no such agent", refused(404, "PCC-1005"), speaks, verdict.Unproven, verdict.CallRefused, false},
		{"a body that is too large", refused(413, ""), speaks, verdict.Unproven, verdict.CallRefused, false},
		{"a transport that the image lacks", refused(422, ""), speaks, verdict.Unproven, verdict.CallRefused, false},
		{"a conflict", refused(409, ""), speaks, verdict.Unproven, verdict.CallRefused, true},
		{"a fault of the platform's", refused(503, ""), speaks, verdict.Unproven, verdict.CallRefused, true},
		{"no network", poll.CallEvidence{Refused: &pipecat.Error{}}, speaks, verdict.Unproven, verdict.CallNetwork, true},

		// What broke it.
		{"unreachable", problem(phone.Unreachable, 0), speaks, verdict.Unproven, verdict.CallNetwork, true},
		{"the connection is reset before a word", with(problem(phone.Broken, 0), func(e *poll.CallEvidence) { e.Call.Connected = true }), speaks, verdict.Unproven, verdict.CallNetwork, true},
		{"the connection is reset before a word, and the session has ended", with(problem(phone.Broken, 0), func(e *poll.CallEvidence) { e.Session = ours("WS_CONNECTION_CLOSED", s) }), speaks, verdict.Unproven, verdict.CallNetwork, true},
		{"the connection is reset before a word, and the session has failed", with(problem(phone.Broken, 0), func(e *poll.CallEvidence) { e.Session = ours("500", s) }), speaks, verdict.NoAnswer, verdict.CallEnded, false},
		{"the connection is reset instead of a reply", with(mine(heard(span(5, 20))), func(e *poll.CallEvidence) { e.Problem = &phone.Error{Problem: phone.Broken} }), asks, verdict.Unproven, verdict.CallNetwork, true},
		{"the network broke", problem(phone.Broken, 0), speaks, verdict.Unproven, verdict.CallNetwork, true},
		{"UDP is blocked", problem(phone.NoMedia, 0), speaks, verdict.Unproven, verdict.CallNoMedia, false},
		{"no common codec", problem(phone.Unsuitable, 0), speaks, verdict.Unproven, verdict.CallProtocol, false},
		{"stopped", problem(phone.Cancelled, 0), speaks, verdict.Unproven, verdict.CallStopped, false},
		{"a token that is refused", problem(phone.Refused, 403), speaks, verdict.Unproven, verdict.CallRefused, false},
		{"busy at the upgrade", problem(phone.Refused, 503), speaks, verdict.Unproven, verdict.CallAtCapacity, true},
		{"spend limit at the upgrade", problem(phone.Refused, 402), speaks, verdict.Unproven, verdict.CallSpendLimit, false},
		{"a bad gateway", problem(phone.Refused, 502), speaks, verdict.Unproven, verdict.CallRefused, true},

		// What cannot be heard.
		{"a room: nothing shows yet", poll.CallEvidence{}, room, "", "", false},
		{"a room: nothing has shown", poll.CallEvidence{Final: true}, room, verdict.Unproven, verdict.CallNotShown, false},
		{"a room: live for a while", poll.CallEvidence{Session: ours("", 9*s), For: 9 * s}, room, "", "", false},
		{"a room: live for ten seconds", poll.CallEvidence{Session: ours("", 10*s), For: 10 * s, Logged: true}, room, verdict.Answered, "", false},
		{"a room: live for ten seconds, its log cannot be read", poll.CallEvidence{Session: ours("", 10*s), For: 10 * s}, room, "", "", false},
		{"a room: an end that is no time", poll.CallEvidence{Session: &pipecat.Session{DeploymentID: "new", EndUnclear: true}, For: 10 * s, Logged: true}, room, "", "", false},
		{"a room: an end that is no time, at the end", poll.CallEvidence{Session: &pipecat.Session{DeploymentID: "new", EndUnclear: true}, For: 10 * s, Logged: true, Final: true}, room, verdict.Unproven, verdict.CallNotShown, false},
		{"a room: an end that is no time, with a failing status", poll.CallEvidence{Session: &pipecat.Session{DeploymentID: "new", EndUnclear: true, CompletionStatus: "500"}, For: s}, room, verdict.NoAnswer, verdict.CallEnded, false},
		{"a room: live, with a status that nobody knows", poll.CallEvidence{Session: &pipecat.Session{DeploymentID: "new", CompletionStatus: "ACTIVE"}, For: 10 * s, Logged: true}, room, verdict.Answered, "", false},
		{"a room: its log could not be read", poll.CallEvidence{Session: ours("", 10*s), For: 10 * s, Final: true}, room, verdict.Unproven, verdict.CallNotShown, false},
		{"a room: not live for ten seconds in time", poll.CallEvidence{Session: ours("", 9*s), For: 9 * s, Final: true}, room, verdict.Unproven, verdict.CallNotShown, false},
		{"a room: since nobody knows when", poll.CallEvidence{Session: &pipecat.Session{DeploymentID: "new"}}, room, "", "", false},
		{"a room: live for ten seconds by another clock", poll.CallEvidence{Session: ours("", 24*time.Hour)}, room, "", "", false},
		{"a room: not live yet by another clock", poll.CallEvidence{Session: ours("", -24*time.Hour), For: 10 * s, Logged: true}, room, verdict.Answered, "", false},
		{"a room: raised", raisedIn(ours("HTTP_COMPLETED", s)), room, verdict.NoAnswer, verdict.CallRaised, false},
		{"a room: raised, and live anyway", raisedIn(ours("", 20*s)), room, verdict.NoAnswer, verdict.CallRaised, false},
		{"a room: raised, and no session shows", raisedIn(nil), alone(room), verdict.NoAnswer, verdict.CallRaised, false},
		{"a room: ended, its log may be late", poll.CallEvidence{Session: ours("HTTP_COMPLETED", 3*s)}, room, "", "", false},
		{"a room: left", poll.CallEvidence{Session: ours("HTTP_COMPLETED", 3*s), For: 10 * s}, room, verdict.Unproven, verdict.CallLeft, false},
		{"a room: left, at the end", poll.CallEvidence{Session: ours("HTTP_COMPLETED", 3*s), Final: true}, room, verdict.Unproven, verdict.CallLeft, false},
		{"a room: ended with a failing status", poll.CallEvidence{Session: ours("HTTP_ERROR", 3*s)}, room, verdict.NoAnswer, verdict.CallEnded, false},
		{"a room: ended with a code", poll.CallEvidence{Session: ours("500", 3*s)}, room, verdict.NoAnswer, verdict.CallEnded, false},
		{"a room: nobody came", poll.CallEvidence{Session: ours("BOT_CONNECTION_TIMEOUT", 60*s)}, room, verdict.NoAnswer, verdict.CallNotStarted, true},
		{"a room: another deployment", poll.CallEvidence{Session: old}, room, verdict.Unproven, verdict.CallOldInstance, true},
		{"a room: of a deployment that does not show", poll.CallEvidence{Session: &pipecat.Session{CreatedAt: old.CreatedAt}}, room, "", "", false},
		{"a room: of a deployment that has not shown", poll.CallEvidence{Session: &pipecat.Session{CreatedAt: old.CreatedAt}, Final: true}, room, verdict.Unproven, verdict.CallUnknownDeployment, false},
		{"a room: of the only deployment", poll.CallEvidence{Session: &pipecat.Session{CreatedAt: old.CreatedAt}, For: 10 * s, Logged: true}, alone(room), verdict.Answered, "", false},
		{"a room: cannot be joined", poll.CallEvidence{Session: ours("", 20*s), Log: printed("ERROR   ", "Error joining https://x.daily.co/y: no")}, room, verdict.NoAnswer, verdict.CallRaised, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := poll.JudgeCall(tt.evidence, tt.policy)
			if got.Answer != tt.want || got.Cause != tt.cause || got.Again != tt.again {
				t.Errorf("got %q %q %v, want %q %q %v", got.Answer, got.Cause, got.Again, tt.want, tt.cause, tt.again)
			}
		})
	}
}

// TestJudgeCallSaid holds what a verdict quotes of an agent.
func TestJudgeCallSaid(t *testing.T) {
	p := poll.CallPolicy{TargetID: "new", Heard: true}
	if v := poll.JudgeCall(raisedIn(ours("", time.Second)), p); v.Said != "'OPENAI_API_KEY'" {
		t.Errorf("of its log: %q", v.Said)
	}
	told := poll.CallEvidence{Call: hearing.Call{Connected: true, Errors: []string{"no voice"}}, Session: ours("", time.Second)}
	if v := poll.JudgeCall(told, p); v.Said != "no voice" || v.Cause != verdict.CallSilent {
		t.Errorf("of what it said to its caller: %+v", v)
	}
}

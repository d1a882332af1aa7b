package poll

import (
	"net/http"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// liveFor is for how long reads must show that a session which cannot be heard is live:
// a bot that raises ends it within seconds. It is of our own clock, for the platform's
// may be another.
const liveFor = 10 * time.Second

// CallPolicy says what a test call must show.
type CallPolicy struct {
	TargetID    string // of the deployment that is to be called
	Alone       bool   // no other deployment has instances that could answer the call
	Heard       bool   // the call carries sound; else the session is watched
	Says        bool   // the caller says something, which is to be answered
	MaxAnswer   time.Duration
	MaxResponse time.Duration // 0: any
}

// CallEvidence is what is known of a test call. The zero CallEvidence is nothing.
type CallEvidence struct {
	Refused      *pipecat.Error   // why no session was started; nil: one was, or none is needed
	Call         hearing.Call     // what was heard
	Problem      *phone.Error     // why there was no call, or not to its end; nil: it ended as planned
	Session      *pipecat.Session // as it showed last; nil: it has not shown
	DeploymentID string           // that answered the call, where the log names it and no session does
	Log          []string         // what the session has printed
	Logged       bool             // the log was read at the last poll
	For          time.Duration    // for how long polls have shown that the session is live, or over
	Final        bool             // there is no time to learn more
}

// Live reports whether its session has shown, and that it is live.
func (e CallEvidence) Live() bool { return e.Session != nil && e.Session.Live() }

// CallVerdict is what a test call has shown so far.
type CallVerdict struct {
	Answer verdict.Answer // "" where more may be learned from the same call
	Cause  verdict.Cause  // why it is not answered
	Again  bool           // another call may show more
	Said   string         // by the agent, of what broke: an exception's text. Not ours
}

// JudgeCall decides what a test call has shown. Values that it does not know decide
// nothing. The rules are in order:
//
//  1. Where no session was started, nothing is proved.
//  2. A call that another deployment answered proves nothing of ours, and neither does
//     one that no deployment can be named for.
//  3. An agent that was heard, and in time, has answered.
//  4. One that raised an exception, or could not start, has not.
//  5. A call that the network or the protocol broke proves nothing.
//  6. An agent that hung up, was silent or too slow has not answered. One that may have
//     been cut off, such as without a closing message, is called again.
func JudgeCall(e CallEvidence, p CallPolicy) CallVerdict {
	if e.Refused != nil { // 1.
		cause, again := refusal(e.Refused)
		return CallVerdict{verdict.Unproven, cause, again, ""}
	}
	switch cause, again := notOurs(e, p); { // 2.
	case cause == verdict.CallUnknownDeployment && !p.Heard && !e.Final:
		return CallVerdict{} // the session may show more
	case cause != "":
		return CallVerdict{verdict.Unproven, cause, again, ""}
	}
	if !p.Heard {
		return judgeSession(e)
	}
	late := judgeTimes(e.Call, p)
	if late == "" { // 3.
		return CallVerdict{Answer: verdict.Answered}
	}
	if v := judgeLog(e.Log); v.Answer == verdict.NoAnswer && unheardFrom(late) || v.Answer != "" && late == verdict.CallSilent { // 4.
		return v
	}
	if s := e.Session; s != nil && s.NotStarted() {
		return CallVerdict{verdict.NoAnswer, verdict.CallNotStarted, true, ""}
	} else if s != nil && s.Failed() && unheardFrom(late) && (e.Problem == nil || e.Problem.Problem == phone.Broken) {
		return CallVerdict{verdict.NoAnswer, verdict.CallEnded, false, reported(e)}
	}
	if e.Problem != nil { // 5.
		cause, again := callProblem(e.Problem)
		return CallVerdict{verdict.Unproven, cause, again, reported(e)}
	}
	if e.Call.Foreign > 0 && e.Call.Sounds == 0 {
		return CallVerdict{verdict.Unproven, verdict.CallProtocol, false, ""}
	}
	if e.Call.HungUp && unheardFrom(late) { // 6.
		if e.Call.CloseCode == phone.TryLater {
			return CallVerdict{verdict.Unproven, verdict.CallAtCapacity, true, ""}
		}
		return CallVerdict{verdict.NoAnswer, verdict.CallEnded, phone.CutOff(e.Call.CloseCode), reported(e)}
	}
	return CallVerdict{verdict.NoAnswer, late, false, reported(e)}
}

// judgeTimes says what is wrong with what was heard; "" for nothing.
func judgeTimes(c hearing.Call, p CallPolicy) verdict.Cause {
	answer, answered := c.Answer()
	response, responded := c.Response()
	switch {
	case answered && p.MaxAnswer > 0 && answer > p.MaxAnswer:
		return verdict.CallLate
	case p.Says && responded && p.MaxResponse > 0 && response > p.MaxResponse:
		return verdict.CallSlow
	case p.Says && len(c.Agent) > 0 && !responded:
		return verdict.CallNoResponse
	case len(c.Agent) == 0:
		return verdict.CallSilent
	}
	return ""
}

// unheardFrom reports whether an agent did not say what it should have.
func unheardFrom(late verdict.Cause) bool {
	return late == verdict.CallSilent || late == verdict.CallNoResponse
}

// judgeSession judges a call that cannot be heard by its session.
func judgeSession(e CallEvidence) CallVerdict {
	if v := judgeLog(e.Log); v.Answer != "" {
		return v
	}
	s := e.Session
	switch {
	case s == nil && !e.Final:
		return CallVerdict{}
	case s == nil:
		return CallVerdict{verdict.Unproven, verdict.CallNotShown, false, ""}
	case s.NotStarted():
		return CallVerdict{verdict.NoAnswer, verdict.CallNotStarted, true, ""}
	case s.Over() && s.Failed():
		return CallVerdict{verdict.NoAnswer, verdict.CallEnded, false, ""}
	case s.Over() && !e.Final && e.For < liveFor: // its log may be late
		return CallVerdict{}
	case s.Over():
		return CallVerdict{verdict.Unproven, verdict.CallLeft, false, ""}
	case s.Live() && e.For >= liveFor && e.Logged:
		return CallVerdict{Answer: verdict.Answered}
	case e.Final:
		return CallVerdict{verdict.Unproven, verdict.CallNotShown, false, ""}
	}
	return CallVerdict{}
}

// notOurs says why a call proves nothing of the target; "" where it may.
func notOurs(e CallEvidence, p CallPolicy) (cause verdict.Cause, again bool) {
	id := e.DeploymentID
	if e.Session != nil && e.Session.DeploymentID != "" {
		id = e.Session.DeploymentID
	}
	switch {
	case id != "" && id != p.TargetID:
		return verdict.CallOldInstance, true
	case id == "" && !p.Alone && (e.Call.Connected || e.Session != nil):
		return verdict.CallUnknownDeployment, false
	}
	return "", false
}

// refusal says what the refusal of a start means, and whether to try again.
func refusal(err *pipecat.Error) (cause verdict.Cause, again bool) {
	code := strings.ToUpper(err.Code)
	switch {
	case code == "PCC-AGENT-AT-CAPACITY", err.Status == http.StatusTooManyRequests:
		return verdict.CallAtCapacity, true
	case code == "SPEND_LIMIT_REACHED", err.Status == http.StatusPaymentRequired:
		return verdict.CallSpendLimit, false
	case code == "PCC-1002", err.Unauthorized():
		return verdict.CallKeyRefused, false
	case code == "PCC-1001":
		return verdict.CallNotReady, true
	case err.Status == http.StatusConflict:
		return verdict.CallRefused, true
	case err.Status == 0:
		return verdict.CallNetwork, true
	}
	return verdict.CallRefused, err.Temporary()
}

// callProblem says what the problem of a call means, and whether to try again.
func callProblem(err *phone.Error) (cause verdict.Cause, again bool) {
	switch err.Problem {
	case phone.Cancelled:
		return verdict.CallStopped, false
	case phone.NoMedia:
		return verdict.CallNoMedia, false
	case phone.Unsuitable:
		return verdict.CallProtocol, false
	case phone.Refused:
		switch {
		case err.Status == http.StatusTooManyRequests, err.Status == http.StatusServiceUnavailable:
			return verdict.CallAtCapacity, true
		case err.Status == http.StatusPaymentRequired:
			return verdict.CallSpendLimit, false
		}
		return verdict.CallRefused, err.Status >= 500
	}
	return verdict.CallNetwork, true
}

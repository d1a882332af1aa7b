// Package phone calls an agent as a caller would: by the media streams of Twilio, by
// WebRTC, or by a WebSocket with the framework's frames. It starts no session and
// knows no key; a Road says where the agent can be reached.
package phone

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// frame is how much sound a caller sends at a time.
const frame = 20 * time.Millisecond

// Road is a way to an agent.
type Road interface {
	// Dial connects a call. Its error is an *Error.
	Dial(ctx context.Context) (Line, error)
}

// Line is a call that is connected. Say and Hear may be called at the same time.
type Line interface {
	// Rate is how many samples a second Say takes.
	Rate() int
	// Say sends one frame of 20 ms.
	Say(ctx context.Context, samples []int16) error
	// Hear waits for what the agent sends next. Its error is a *HangUp when the agent
	// ended the call, else an *Error.
	Hear(ctx context.Context) (Heard, error)
	// HangUp ends the call, until ctx is done at the latest. It may be called once,
	// after which Hear fails.
	HangUp(ctx context.Context)
}

// Heard is something that an agent sent. The zero Heard is nothing of interest.
type Heard struct {
	Samples []int16 // mono
	Rate    int
	Clear   bool   // what was sent and is not played yet is not to be
	Foreign bool   // it is of a protocol that the caller does not speak
	Error   string // that the agent reports of itself; not ours
}

// Problem is why there was no call, or not to its end.
type Problem string

const (
	Unreachable Problem = "unreachable" // no connection: a name, TCP, TLS, or no answer in time
	Refused     Problem = "refused"     // the platform refused it, with a status
	NoMedia     Problem = "no-media"    // WebRTC found no way through the network
	Unsuitable  Problem = "unsuitable"  // the two do not speak the same protocol
	Broken      Problem = "lost"        // the network broke it
	Cancelled   Problem = "stopped"     // the caller was stopped
)

// Error is a call that failed. It has no token, no address but a host, and no text of
// the agent's; a *pipecat.Error in it may quote the API.
type Error struct {
	Problem Problem
	Host    string // that was called; may be empty
	Status  int    // of the HTTP answer; 0 for none
	Err     error  // why; may be nil
}

func (e *Error) Error() string {
	host := cmp.Or(e.Host, "the agent")
	text := map[Problem]string{
		Unreachable: host + " could not be reached",
		Refused:     host + " refused the call",
		NoMedia:     "no sound can pass the network",
		Unsuitable:  host + " speaks another protocol",
		Broken:      "the connection to " + host + " was lost",
		Cancelled:   "the call was stopped",
	}[e.Problem]
	if e.Status != 0 {
		text += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why it failed.
func (e *Error) Unwrap() error { return e.Err }

// Codes with which a WebSocket is closed.
//
// https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number
const (
	// Wordless is that of a WebSocket which was closed in order, but without a message
	// that says so: the framework's server does that when bot() raises or returns. A
	// gateway that goes away does, too.
	Wordless = 1006
	// TryLater is that of a server which is busy.
	TryLater = 1013

	goingAway  = 1001
	restarting = 1012 // as the framework's server is when its instance is stopped
	badGateway = 1014
)

// CutOff reports whether a code may be that of something which goes away, instead of an
// agent that hangs up.
func CutOff(code int) bool {
	return slices.Contains([]int{Wordless, goingAway, restarting, badGateway}, code)
}

// HangUp is the end of a call by the agent.
type HangUp struct {
	Code int // of a WebSocket; 0 where there is none
}

func (h *HangUp) Error() string { return fmt.Sprintf("the agent hung up (%d)", h.Code) }

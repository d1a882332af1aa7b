package phone_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// agent is a line to an agent that speaks at certain times, and may echo its caller.
type agent struct {
	greets  [][2]float64 // seconds since the connection
	replies [][2]float64 // seconds since the end of what the caller said
	echo    time.Duration
	gain    float64 // of the echo; 0: there is none

	began time.Time
	heard int // frames
	mu    sync.Mutex
	said  []int16
}

func (a *agent) Dial(context.Context) (phone.Line, error) { a.began = time.Now(); return a, nil }
func (a *agent) Rate() int                                { return 8000 }
func (a *agent) HangUp(context.Context)                   {}

func (a *agent) Say(_ context.Context, samples []int16) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, samples...)
	return nil
}

func (a *agent) Hear(ctx context.Context) (phone.Heard, error) {
	const frame = 20 * time.Millisecond
	select {
	case <-ctx.Done():
		return phone.Heard{}, &phone.Error{Problem: phone.Cancelled}
	case <-time.After(time.Until(a.began.Add(time.Duration(a.heard+1) * frame))):
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	said := slices.IndexFunc(a.said, func(x int16) bool { return x != 0 })
	samples := make([]int16, 160)
	for i := range samples {
		n := 160*a.heard + i
		at, x := float64(n)/8000, 0.0
		for _, s := range a.greets {
			x += during(s, at)
		}
		if said >= 0 {
			for _, s := range a.replies {
				x += during(s, at-float64(said)/8000-2) // words take two seconds
			}
		}
		if back := n - int(a.echo.Seconds()*8000); back >= 0 && back < len(a.said) {
			x += a.gain * float64(a.said[back])
		}
		samples[i] = int16(max(math.MinInt16, min(math.MaxInt16, x)))
	}
	a.heard++
	return phone.Heard{Samples: samples, Rate: 8000}, nil
}

func during(span [2]float64, at float64) float64 {
	if at < span[0] || at >= span[1] {
		return 0
	}
	return math.MaxInt16 * bots.Speech(at-span[0])
}

// TestTurn holds what an answer to the caller is: neither an echo, nor the rest of a
// greeting; and that the call ends soon after it is known.
func TestTurn(t *testing.T) {
	const never = -1
	const ms = time.Millisecond
	greeting := [][2]float64{{0.5, 2.5}}
	for _, tt := range []struct {
		name     string
		agent    *agent
		response time.Duration // about; never
	}{
		{"silent, with an echo at once", &agent{echo: 20 * ms, gain: 1}, never},
		{"silent, with an echo", &agent{echo: 200 * ms, gain: 1}, never},
		{"silent, with a late echo", &agent{echo: 400 * ms, gain: 1}, never},
		{"silent, with a very late echo", &agent{echo: 580 * ms, gain: 0.5}, never},
		{"silent, with a loud echo", &agent{echo: 200 * ms, gain: 3}, never},
		{"silent, with a quiet echo", &agent{echo: 200 * ms, gain: 0.1}, never},
		{"silent, with a late echo that is quiet", &agent{echo: 400 * ms, gain: 0.1}, never},
		{"deaf, with an echo", &agent{greets: greeting, echo: 200 * ms, gain: 1}, never},
		{"deaf", &agent{greets: greeting}, never},
		{"deaf, with two sentences", &agent{greets: [][2]float64{{0.5, 2.5}, {3.1, 7}}}, never},
		{"deaf, with two sentences and a pause", &agent{greets: [][2]float64{{0.5, 2.5}, {3.4, 7}}}, never},
		{"deaf, with three sentences", &agent{greets: [][2]float64{{0.5, 1.5}, {2.2, 3}, {3.8, 7}}}, never},
		{"speaks only while the caller does", &agent{greets: greeting, replies: [][2]float64{{-1.5, -0.8}}}, never},
		{"answers soon", &agent{greets: greeting, replies: [][2]float64{{0.2, 2}}}, 200 * ms},
		{"answers", &agent{greets: greeting, replies: [][2]float64{{1, 2}}}, time.Second},
		{"answers late", &agent{greets: greeting, replies: [][2]float64{{3, 5}}}, 3 * time.Second},
		{"answers briefly", &agent{greets: greeting, replies: [][2]float64{{0.5, 0.9}}}, 500 * ms},
		{"answers after two sentences", &agent{greets: [][2]float64{{0.5, 2.5}, {3.2, 7}}, replies: [][2]float64{{1, 2}}}, time.Second},
		{"answers without a greeting", &agent{replies: [][2]float64{{1, 2}}}, time.Second},
		{"answers a little early", &agent{greets: greeting, replies: [][2]float64{{-0.2, 1}}}, 0},
		{"cuts in, and continues", &agent{greets: greeting, replies: [][2]float64{{-1, 1.5}}}, 0},
		{"cuts in, and speaks again", &agent{greets: greeting, replies: [][2]float64{{-1.5, -0.8}, {1, 2}}}, time.Second},
		{"answers soon after an echo", &agent{greets: greeting, replies: [][2]float64{{0.4, 2}}, echo: 200 * ms, gain: 1}, 400 * ms},
		{"answers after an echo", &agent{greets: greeting, replies: [][2]float64{{1, 2}}, echo: 200 * ms, gain: 0.5}, time.Second},
		{"answers after a late echo", &agent{greets: greeting, replies: [][2]float64{{1, 2}}, echo: 400 * ms, gain: 1}, time.Second},
		{"cuts in over an echo, and continues", &agent{greets: greeting, replies: [][2]float64{{-1, 1.5}}, echo: 200 * ms, gain: 0.5}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, err := phone.Make(t.Context(), tt.agent, phone.Plan{Until: time.Now().Add(30 * time.Second), Say: words(8000)})
				if err != nil || len(call.Caller) == 0 {
					t.Fatalf("%+v, %v", call, err)
				}
				about(t, "response", tt.response, call.Response)
				if _, spoke := call.Answer(); spoke != (len(tt.agent.greets) > 0) {
					t.Errorf("a greeting: %v", spoke)
				}
				over := call.Lasted - call.Caller[0].To
				if tt.response >= 0 && over > max(700*ms, tt.response)+500*ms {
					t.Errorf("the call lasts %v after what the caller said", over)
				}
				if tt.response == never && len(call.Agent) > len(tt.agent.greets)+len(tt.agent.replies) {
					t.Errorf("heard of the agent: %v", call.Agent)
				}
				if last := len(tt.agent.greets) - 1; last >= 0 && call.Caller[0].From.Seconds() < tt.agent.greets[last][1] {
					t.Errorf("the caller speaks at %v, into the greeting", call.Caller[0].From)
				}
			})
		})
	}
}

// TestCutsInBeforeLimit holds that an agent which cut in has answered, however short the
// limit on its response time is, and that one which is silent is not waited for.
func TestCutsInBeforeLimit(t *testing.T) {
	for _, tt := range []struct {
		replies  [][2]float64
		answered bool
	}{{[][2]float64{{-1, 3}}, true}, {nil, false}} {
		synctest.Test(t, func(t *testing.T) {
			a := &agent{greets: [][2]float64{{0.5, 2.5}}, replies: tt.replies}
			call, err := phone.Make(t.Context(), a, phone.Plan{Say: words(8000), MaxResponse: 100 * time.Millisecond})
			if err != nil || len(call.Caller) == 0 {
				t.Fatalf("%+v, %v", call, err)
			}
			if _, answered := call.Response(); answered != tt.answered || !answered && call.Lasted > call.Caller[0].To+600*time.Millisecond {
				t.Errorf("replies at %v: %+v", tt.replies, call)
			}
		})
	}
}

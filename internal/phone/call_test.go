package phone_test

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// TestMain leaves garbage for longer: to collect it would take a quarter of the tests' time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

func bot(t *testing.T, name string) bots.Bot {
	t.Helper()
	for _, b := range bots.Bots() {
		if b.Name == name {
			return b
		}
	}
	t.Fatalf("no bot is called %q", name)
	return bots.Bot{}
}

// endpoint reaches a handler by WebSocket.
func endpoint(h http.HandlerFunc) phone.Endpoint {
	return phone.Endpoint{URL: &url.URL{Scheme: "wss", Host: "calls.test", Path: "/ws"}, Transport: simulator.Transport(h)}
}

func twilio(_ *testing.T, b bots.Bot) phone.Road {
	return phone.Twilio{Endpoint: endpoint(func(w http.ResponseWriter, r *http.Request) { b.ServeTwilio(w, r, nil) })}
}

func webSocket(_ *testing.T, b bots.Bot) phone.Road {
	return phone.WebSocket{Endpoint: endpoint(b.ServeWebSocket)}
}

// words are something to say.
func words(rate int) *phone.Recording {
	r := &phone.Recording{Rate: rate}
	for i := range 2 * rate {
		r.Samples = append(r.Samples, int16(bots.Speech(float64(i)/float64(rate))*(1<<15-1)))
	}
	return r
}

// TestCall holds what is heard of each bot, by each road, in virtual time.
func TestCall(t *testing.T) {
	roads := map[string]func(*testing.T, bots.Bot) phone.Road{"twilio": twilio, "websocket": webSocket, "webrtc": overWebRTC}
	const never = -1
	for _, tt := range []struct {
		bot              string
		say              bool
		answer, response time.Duration // about; never
		lasts            time.Duration // at most
		hungUp           bool
	}{
		{bot: "greets", answer: 500 * time.Millisecond, response: never, lasts: 800 * time.Millisecond},
		{bot: "greets", say: true, answer: 500 * time.Millisecond, response: 500 * time.Millisecond, lasts: 7 * time.Second},
		{bot: "waits", answer: never, response: never, lasts: 31 * time.Second},
		{bot: "waits", say: true, answer: never, response: time.Second, lasts: 9 * time.Second},
		{bot: "deaf", say: true, answer: 500 * time.Millisecond, response: never, lasts: 27 * time.Second},
		{bot: "late", answer: 20 * time.Second, response: never, lasts: 20400 * time.Millisecond},
		{bot: "talks", say: true, answer: 500 * time.Millisecond, response: never, lasts: 45 * time.Second},
		{bot: "silent", answer: never, response: never, lasts: 31 * time.Second},
		{bot: "mute", answer: never, response: never, lasts: 31 * time.Second},
		{bot: "mute", say: true, answer: never, response: never, lasts: 31 * time.Second},
		{bot: "hisses", answer: never, response: never, lasts: 31 * time.Second},
		{bot: "hums", answer: never, response: never, lasts: 31 * time.Second},
		{bot: "hangs-up", answer: never, response: never, lasts: 1500 * time.Millisecond, hungUp: true},
		{bot: "raises", answer: never, response: never, lasts: 500 * time.Millisecond, hungUp: true},
	} {
		for name, road := range roads {
			title := name + "/" + tt.bot
			if tt.say {
				title += ", spoken to"
			}
			t.Run(title, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					plan := phone.Plan{Until: time.Now().Add(30 * time.Second)}
					if tt.say {
						plan.Say = words(8000)
					}
					call, err := phone.Make(t.Context(), road(t, bot(t, tt.bot)), plan)
					if err != nil || !call.Connected || call.HungUp != tt.hungUp || call.Foreign > 0 {
						t.Errorf("%+v, %v", call, err)
					}
					about(t, "answer", tt.answer, call.Answer)
					about(t, "response", tt.response, call.Response)
					if call.Lasted > tt.lasts {
						t.Errorf("the call lasts %v, more than %v", call.Lasted, tt.lasts)
					}
				})
			})
		}
	}
}

// about holds a time to another, with a tenth of a second between them.
func about(t *testing.T, what string, want time.Duration, of func() (time.Duration, bool)) {
	t.Helper()
	got, known := of()
	if known != (want >= 0) || known && (got-want).Abs() > 100*time.Millisecond {
		t.Errorf("%s: %v (%v), want about %v", what, got, known, want)
	}
}

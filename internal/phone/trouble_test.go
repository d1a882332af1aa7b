package phone_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

const token = "secret-token"

// TestRefused holds what each refusal of a WebSocket is called, and that no error has
// the token, the body, or anything else that was not asked for.
func TestRefused(t *testing.T) {
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.test/"+token)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, token)
		}
	}
	broken := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, tt := range []struct {
		name    string
		address string
		handler http.HandlerFunc
		want    phone.Problem
		status  int
	}{
		{"a bad token", "wss://calls.test/ws", answer(403), phone.Refused, 403},
		{"busy", "wss://calls.test/ws", answer(503), phone.Refused, 503},
		{"elsewhere", "wss://calls.test/ws", answer(302), phone.Refused, 302},
		{"no WebSocket", "wss://calls.test/ws", answer(200), phone.Refused, 200},
		{"broken", "wss://calls.test/ws", broken, phone.Unreachable, 0},
		{"in the open", "ws://calls.test/ws", answer(101), phone.Refused, 0},
		{"no WebSocket's address", "https://calls.test/ws", answer(101), phone.Refused, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				address, err := url.Parse(tt.address)
				if err != nil {
					t.Fatal(err)
				}
				road := phone.Twilio{Endpoint: phone.Endpoint{URL: address, Token: token, Body: map[string]any{"who": token}, Transport: simulator.Transport(tt.handler)}}
				call, err := phone.Make(t.Context(), road, phone.Plan{})
				problem(t, err, tt.want, tt.status)
				if call.Connected {
					t.Error("it is connected")
				}
				if strings.Contains(err.Error(), token) {
					t.Errorf("it has the token: %v", err)
				}
			})
		})
	}
}

// problem holds an error to what it is to say.
func problem(t *testing.T, err error, want phone.Problem, status int) {
	t.Helper()
	failed := (*phone.Error)(nil)
	if !errors.As(err, &failed) || failed.Problem != want || failed.Status != status {
		t.Errorf("got %v, want %s with status %d", err, want, status)
	}
}

// TestToken holds how a token and a body reach an agent by WebSocket.
func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked *url.URL
		road := phone.WebSocket{Endpoint: phone.Endpoint{
			URL: &url.URL{Scheme: "wss", Host: "calls.test", Path: "/ws/generic/bot.acme"}, Token: token, Body: map[string]any{"test_call": true},
			Transport: simulator.Transport(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL })),
		}}
		_, err := phone.Make(t.Context(), road, phone.Plan{})
		problem(t, err, phone.Refused, 200)
		if asked.Path != "/ws/generic/bot.acme/"+token || asked.Query().Get("body") != "eyJ0ZXN0X2NhbGwiOnRydWV9" {
			t.Errorf("asked for %s", asked)
		}
	})
}

// TestStart holds what an agent receives at the beginning of Twilio's call.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun bots.Start
		b := bot(t, "greets")
		road := phone.Twilio{Service: "bot.acme", Endpoint: endpoint(func(w http.ResponseWriter, r *http.Request) {
			b.ServeTwilio(w, r, func(s bots.Start) { begun = s })
		})}
		road.Body = map[string]any{"test_call": true, "name": "a b", "list": []any{1.0}}
		if _, err := phone.Make(t.Context(), road, phone.Plan{}); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"test_call": "true", "name": "a b", "list": "[1]", "_pipecatCloudServiceHost": "bot.acme"}
		for name, value := range want {
			if begun.Parameters[name] != value {
				t.Errorf("%s: %q, want %q", name, begun.Parameters[name], value)
			}
		}
		if len(begun.Stream) != 34 || !strings.HasPrefix(begun.Stream, "MZ") || len(begun.Call) != 34 || !strings.HasPrefix(begun.Call, "CA") {
			t.Errorf("stream %q, call %q", begun.Stream, begun.Call)
		}
	})
}

// accepted has a test speak for an agent.
func accepted(talk func(ctx context.Context, c *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := websocket.Accept(w, r, nil); err == nil {
			talk(r.Context(), c)
			_ = c.CloseNow()
		}
	}
}

// TestMarks holds that marks come back once what is before them was played, or at once
// when it is not to be, and that the caller keeps the pace of a call.
func TestMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		back := map[string]time.Duration{}
		frames := 0
		road := phone.Twilio{Endpoint: endpoint(accepted(func(ctx context.Context, c *websocket.Conn) {
			say := func(message string) { _ = c.Write(ctx, websocket.MessageText, []byte(message)) }
			second, _ := json.Marshal(make([]byte, 8000))
			say(`{"event":"media","media":{"payload":` + string(second) + `}}`)
			say(`{"event":"mark","mark":{"name":"one"}}`)
			say(`{"event":"media","media":{"payload":` + string(second) + `}}`)
			say(`{"event":"mark","mark":{"name":"two"}}`)
			time.AfterFunc(1500*time.Millisecond, func() { say(`{"event":"clear"}`) })
			for {
				_, data, err := c.Read(ctx)
				if err != nil {
					return
				}
				var m struct {
					Event string
					Mark  struct{ Name string }
				}
				_ = json.Unmarshal(data, &m)
				switch m.Event {
				case "mark":
					back[m.Mark.Name] = time.Since(began)
				case "media":
					frames++
				}
			}
		}))}
		_, err := phone.Make(t.Context(), road, phone.Plan{Until: began.Add(10 * time.Second)})
		if err != nil || back["one"] != time.Second || back["two"] != 1500*time.Millisecond {
			t.Errorf("%v, %v", back, err)
		}
		if want := 520; frames < want-5 || frames > want+5 {
			t.Errorf("%d frames in 10.4 seconds", frames)
		}
	})
}

// TestOdd holds what a caller makes of agents of which nothing can be made.
func TestOdd(t *testing.T) {
	roads := map[string]func(http.HandlerFunc) phone.Road{
		"twilio":    func(h http.HandlerFunc) phone.Road { return phone.Twilio{Endpoint: endpoint(h)} },
		"websocket": func(h http.HandlerFunc) phone.Road { return phone.WebSocket{Endpoint: endpoint(h)} },
	}
	says := func(kind websocket.MessageType, message []byte, then func(*websocket.Conn)) http.HandlerFunc {
		return accepted(func(ctx context.Context, c *websocket.Conn) {
			go func() {
				_ = c.Write(ctx, kind, message)
				if then != nil {
					then(c)
				}
			}()
			for {
				if _, _, err := c.Read(ctx); err != nil {
					return
				}
			}
		})
	}
	vanish := func(c *websocket.Conn) { _ = c.CloseNow() }
	refuse := func(c *websocket.Conn) { _ = c.Close(1011, token) }
	for name, road := range roads {
		for _, tt := range []struct {
			name    string
			handler http.HandlerFunc
			foreign int
			code    int
			problem phone.Problem
		}{
			{"text that is no JSON", says(websocket.MessageText, []byte("hello"), nil), 1, 0, ""},
			{"bytes of another kind", says(websocket.MessageBinary, []byte{0xff, 0xff, 0xff}, nil), 1, 0, ""},
			{"too large", says(websocket.MessageBinary, make([]byte, 2<<20), nil), 0, 0, phone.Unsuitable},
			{"it vanishes", says(websocket.MessageText, []byte("?"), vanish), 1, phone.Wordless, ""},
			{"it closes with an error", says(websocket.MessageText, []byte("?"), refuse), 1, 1011, ""},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					call, err := phone.Make(t.Context(), road(tt.handler), phone.Plan{Until: time.Now().Add(5 * time.Second)})
					if tt.problem != "" {
						problem(t, err, tt.problem, 0)
					} else if err != nil {
						t.Error(err)
					}
					if call.Foreign != tt.foreign || call.CloseCode != tt.code || call.HungUp != (tt.code != 0) || len(call.Agent) > 0 {
						t.Errorf("%+v", call)
					}
					if err != nil && strings.Contains(err.Error(), token) {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestStopped holds that a stopped job ends its call at once, however deaf the agent
// is, and while it dials.
func TestStopped(t *testing.T) {
	deaf := accepted(func(ctx context.Context, _ *websocket.Conn) { time.Sleep(time.Minute) })
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) }
	for name, road := range map[string]func(*testing.T) phone.Road{
		"twilio":              func(t *testing.T) phone.Road { return twilio(t, bot(t, "silent")) },
		"websocket":           func(t *testing.T) phone.Road { return webSocket(t, bot(t, "silent")) },
		"webrtc":              func(t *testing.T) phone.Road { return overWebRTC(t, bot(t, "silent")) },
		"an agent that hangs": func(*testing.T) phone.Road { return phone.Twilio{Endpoint: endpoint(deaf)} },
		"dialing":             func(*testing.T) phone.Road { return phone.Twilio{Endpoint: endpoint(hangs)} },
		"offering": func(*testing.T) phone.Road {
			return phone.WebRTC{Offer: func(ctx context.Context, _ string) (string, error) {
				return "", &pipecat.Error{Status: http.StatusServiceUnavailable}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				stopped, stop := context.WithCancel(context.Background())
				context.AfterFunc(ctx, stop)
				r := road(t)
				if w, ok := r.(phone.WebRTC); ok && w.Net == nil {
					w.Net, _ = network(t, false)
					r = w
				}
				_, err := phone.Make(stopped, r, phone.Plan{})
				problem(t, err, phone.Cancelled, 0)
				if took := time.Until(deadline(ctx)).Abs(); took > 1500*time.Millisecond {
					t.Errorf("it ends %v after it was stopped", took)
				}
				time.Sleep(2 * time.Minute) // for what hangs
			})
		})
	}
}

func deadline(ctx context.Context) time.Time {
	d, _ := ctx.Deadline()
	return d
}

// TestBadNetwork holds what comes of networks that WebRTC cannot use, or hardly.
func TestBadNetwork(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name    string
		bot     string
		peer    bots.Peer
		blocked bool
		want    phone.Problem
		heard   bool
	}{
		{"a tenth is lost", "greets", bots.Peer{Lost: 10}, false, "", true},
		{"a tenth of hiss is lost", "hisses", bots.Peer{Lost: 10}, false, "", false},
		{"a tenth of a tone is lost", "hums", bots.Peer{Lost: 10}, false, "", false},
		{"UDP is blocked", "greets", bots.Peer{}, true, phone.NoMedia, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				call, err := phone.Make(ctx, webRTC(t, bot(t, tt.bot), tt.peer, tt.blocked, nil), phone.Plan{Until: time.Now().Add(30 * s)})
				if tt.want != "" {
					problem(t, err, tt.want, 0)
				} else if err != nil {
					t.Error(err)
				}
				if heard := len(call.Agent) > 0; heard != tt.heard {
					t.Errorf("heard: %v", call.Agent)
				}
			})
		})
	}
}

// TestOffers holds which refusals of an offer are waited for: an instance may be about
// to start.
func TestOffers(t *testing.T) {
	for _, tt := range []struct {
		status int
		want   phone.Problem // "": it is offered again
	}{{404, ""}, {503, ""}, {502, ""}, {429, ""}, {400, phone.Refused}, {401, phone.Refused}} {
		synctest.Test(t, func(t *testing.T) {
			offers := 0
			caller, _ := network(t, false)
			road := phone.WebRTC{Net: caller, Offer: func(_ context.Context, sdp string) (string, error) {
				if offers++; !strings.Contains(sdp, "PCMU/8000") || !strings.Contains(sdp, "m=application") {
					t.Errorf("offered: %s", sdp)
				}
				return "", &pipecat.Error{Status: tt.status, FromAPI: true}
			}}
			_, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(30 * time.Second)})
			if tt.want != "" {
				problem(t, err, tt.want, tt.status)
			} else {
				problem(t, err, phone.Unreachable, tt.status)
			}
			if again := offers > 5; again != (tt.want == "") {
				t.Errorf("status %d: %d offers", tt.status, offers)
			}
		})
	}
}

// TestAnswers holds that an answer of which nothing can be made is no silence.
func TestAnswers(t *testing.T) {
	for _, answer := range []string{"", "no SDP", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			caller, _ := network(t, false)
			road := phone.WebRTC{Net: caller, Offer: func(context.Context, string) (string, error) { return answer, nil }}
			_, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(30 * time.Second)})
			problem(t, err, phone.Unsuitable, 0)
		})
	}
}

// TestLoopback is a short call by the network of this machine, in real time.
func TestLoopback(t *testing.T) {
	b := bot(t, "greets")
	road := phone.WebRTC{Loopback: true, Offer: func(_ context.Context, sdp string) (string, error) {
		return b.Answer(t.Context(), bots.Peer{}, sdp, nil, nil)
	}}
	call, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(10 * time.Second)})
	if answer, ok := call.Answer(); err != nil || !ok || answer > 2*time.Second {
		t.Errorf("%+v, %v", call, err)
	}
}

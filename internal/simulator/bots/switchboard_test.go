package bots_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// platform is a simulated cloud whose agent is of an image, held to its contract.
type platform struct {
	cloud   *simulator.Cloud
	public  *pipecat.PublicClient
	private *pipecat.Client
	carrier http.RoundTripper
	base    *url.URL
}

func newPlatform(t *testing.T, image string, calls *bots.Switchboard) platform {
	cloud := &simulator.Cloud{Key: "sk_right", PublicKey: "pk_right", Calls: calls}
	cloud.AddAgent("bot", "us-west", image)
	handler, err := simulator.Contract(cloud, func(err error) { t.Errorf("contract: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	base := &url.URL{Scheme: "https", Host: "api.test", Path: "/v1"}
	carrier := simulator.Transport(handler)
	return platform{cloud, pipecat.NewPublicClient(base, "pk_right", "", carrier), &pipecat.Client{Base: base, Key: "sk_right", Transport: carrier}, carrier, base}
}

// call starts a session, and makes its call.
func (p platform) call(ctx context.Context, r pipecat.StartRequest) (*pipecat.Started, hearing.Call, error) {
	plan := phone.Plan{Until: time.Now().Add(20 * time.Second)}
	started, err := p.public.Start(ctx, "bot", r)
	if err != nil {
		return nil, hearing.Call{}, err
	}
	address, err := url.Parse(started.URL)
	if err != nil {
		return nil, hearing.Call{}, err
	}
	e := phone.Endpoint{URL: address, Token: started.Token, Body: r.Body, Transport: p.carrier}
	var road phone.Road = phone.WebSocket{Endpoint: e}
	switch calls := p.cloud.Calls.(*bots.Switchboard); {
	case r.Transport == "webrtc":
		road = phone.WebRTC{Servers: started.ICE.Servers, Loopback: true, Offer: func(ctx context.Context, sdp string) (string, error) {
			return p.public.Offer(ctx, "bot", started.SessionID, sdp)
		}}
	case calls.Twilio:
		road = phone.Twilio{Endpoint: e}
	}
	call, err := phone.Make(ctx, road, plan)
	return started, call, err
}

// TestSwitchboard holds what a caller and the platform's documents show of calls that
// were started as users' are.
func TestSwitchboard(t *testing.T) {
	for _, tt := range []struct {
		bot    string
		heard  bool
		hungUp bool
		log    string // that it has besides the first and last line
	}{
		{bot: "greets", heard: true},
		{bot: "silent"},
		{bot: "hangs-up", hungUp: true},
		{bot: "raises", hungUp: true, log: "- Exception running bot(): KeyError"},
	} {
		for _, twilio := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(t, "acme/bot:"+tt.bot, &bots.Switchboard{Twilio: twilio})
				started, call, err := p.call(t.Context(), pipecat.StartRequest{Transport: "websocket", Body: map[string]any{"test_call": true}})
				if err != nil || len(call.Agent) > 0 != tt.heard || call.HungUp != tt.hungUp {
					t.Fatalf("%s: %+v, %v", tt.bot, call, err)
				}
				time.Sleep(10 * time.Second) // a session ends when its bot notices
				s, err := p.private.Session(t.Context(), "bot", started.SessionID)
				if err != nil || !s.Over() || s.Failed() || s.CompletionStatus != "WS_CONNECTION_CLOSED" || s.DeploymentID != p.cloud.Deployments("bot")[0] {
					t.Errorf("%s: %+v, %v", tt.bot, s, err)
				}
				lines, err := p.private.SessionLogs(t.Context(), "bot", started.SessionID, 100)
				var text []string
				for _, l := range lines {
					text = append(text, l.Text)
				}
				log := strings.Join(text, "\n")
				if err != nil || !strings.Contains(log, "Starting bot session") || !strings.Contains(log, tt.log) || strings.Contains(log, "Exception") != (tt.log != "") {
					t.Errorf("%s: %s, %v", tt.bot, log, err)
				}
				if _, err := p.private.Session(t.Context(), "bot", "99999999-9999-4999-8999-999999999999"); err == nil {
					t.Error("a session that is none")
				}
			})
		}
	}
}

// TestSwitchboardWebRTC is a call by the session API, by the network of this machine.
func TestSwitchboardWebRTC(t *testing.T) {
	p := newPlatform(t, "acme/bot:greets", &bots.Switchboard{})
	started, call, err := p.call(t.Context(), pipecat.StartRequest{Transport: "webrtc", ICEServers: true})
	if err != nil || len(call.Agent) == 0 {
		t.Fatalf("%+v, %v", call, err)
	}
	if err := p.private.EndSession(t.Context(), "bot", started.SessionID); err != nil {
		gone, ok := errors.AsType[*pipecat.Error](err)
		if !ok || gone.Status != http.StatusBadRequest {
			t.Error(err)
		}
	}
	if _, err := p.public.Offer(t.Context(), "bot", "99999999-9999-4999-8999-999999999999", "v=0"); err == nil {
		t.Error("a session that is none answers an offer")
	}
}

// TestRoom holds how long bots stay alone in a room, and that a session can be ended.
func TestRoom(t *testing.T) {
	for bot, stays := range map[string]bool{"silent": true, "raises": false} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlatform(t, "acme/bot:"+bot, &bots.Switchboard{})
			started, err := p.public.Start(t.Context(), "bot", pipecat.StartRequest{DailyRoom: true, RoomProperties: &pipecat.RoomProperties{Expires: time.Now().Add(time.Minute).Unix()}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			s, err := p.private.Session(t.Context(), "bot", started.SessionID)
			if err != nil || s.Over() == stays || s.Failed() {
				t.Errorf("%s: %+v, %v", bot, s, err)
			}
			err = p.private.EndSession(t.Context(), "bot", started.SessionID)
			if (err == nil) != stays {
				t.Errorf("%s: %v", bot, err)
			}
			synctest.Wait()
			list, err := p.private.Sessions(t.Context(), "bot", pipecat.SessionFilter{Limit: 5})
			if err != nil || len(list) != 1 || !list[0].Over() {
				t.Errorf("%s: %+v, %v", bot, list, err)
			}
		})
	}
}

// TestWhoTakes holds which starts are refused, and which instance takes a call.
func TestWhoTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t, "acme/bot:greets", &bots.Switchboard{})
		old := p.cloud.Deployments("bot")[0]
		if _, err := p.private.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:ok"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		p.cloud.Busy, p.cloud.OldTakes = 1, 1
		ours := p.cloud.Deployments("bot")[1]
		for _, want := range []string{"", old, ours} {
			started, _, err := p.call(t.Context(), pipecat.StartRequest{Transport: "websocket"})
			if refused, ok := errors.AsType[*pipecat.Error](err); want == "" {
				if !ok || refused.Status != http.StatusTooManyRequests || refused.Code != "PCC-AGENT-AT-CAPACITY" {
					t.Errorf("at capacity: %v", err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if s, err := p.private.Session(t.Context(), "bot", started.SessionID); err != nil || s.DeploymentID != want {
				t.Errorf("%+v, %v; want %s", s, err, want)
			}
		}
		time.Sleep(10 * time.Second)
	})
}

// TestTwilioRoute holds that a call of Twilio's own finds the agent that its query names.
func TestTwilioRoute(t *testing.T) {
	for service, status := range map[string]int{"bot." + simulator.Organization: 0, "nobody." + simulator.Organization: 404, "": 404} {
		synctest.Test(t, func(t *testing.T) {
			p := newPlatform(t, "acme/bot:greets", &bots.Switchboard{Twilio: true})
			address := &url.URL{Scheme: "wss", Host: "us-west.api.test", Path: "/ws/twilio", RawQuery: url.Values{"serviceHost": {service}}.Encode()}
			call, err := phone.Make(t.Context(), phone.Twilio{Endpoint: phone.Endpoint{URL: address, Transport: p.carrier}}, phone.Plan{})
			failed, _ := errors.AsType[*phone.Error](err)
			if heard := len(call.Agent) > 0; heard != (status == 0) || failed != nil && failed.Status != status {
				t.Errorf("%q: %+v, %v", service, call, err)
			}
			time.Sleep(10 * time.Second)
		})
	}
}

// TestTokens holds that a call by WebSocket takes the token of a session, once, where
// the agent asks for one.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t, "acme/bot:greets", &bots.Switchboard{})
		dial := func(token string) int {
			_, err := phone.Make(t.Context(), phone.WebSocket{Endpoint: phone.Endpoint{
				URL: phone.GenericURL(p.base, "us-west", "bot", simulator.Organization), Token: token, Transport: p.carrier}}, phone.Plan{})
			failed, _ := errors.AsType[*phone.Error](err)
			if failed == nil {
				return 0
			}
			return failed.Status
		}
		if status := dial(""); status != 0 {
			t.Errorf("an agent that asks for none: %d", status)
		}
		if _, err := p.private.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{WebsocketAuth: "token"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		started, err := p.public.Start(t.Context(), "bot", pipecat.StartRequest{Transport: "websocket"})
		if err != nil {
			t.Fatal(err)
		}
		for _, try := range []struct {
			token  string
			status int
		}{{"", 403}, {"wrong", 403}, {started.Token, 0}, {started.Token, 403}} {
			if status := dial(try.token); status != try.status {
				t.Errorf("token %q: %d, want %d", try.token, status, try.status)
			}
		}
		time.Sleep(10 * time.Second)
	})
}

// TestKeys holds that each key is good for its own routes alone.
func TestKeys(t *testing.T) {
	p := newPlatform(t, "acme/bot:greets", &bots.Switchboard{})
	for key, want := range map[string]bool{"pk_right": true, "pk_wrong": false, "sk_right": false, "": false} {
		_, err := pipecat.NewPublicClient(p.base, key, "", p.carrier).Start(t.Context(), "bot", pipecat.StartRequest{Transport: "webrtc"})
		if (err == nil) != want {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

package phone_test

import (
	"context"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/vnet"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// network has two machines, in virtual time. They can reach each other unless it is
// blocked.
func network(t *testing.T, blocked bool) (caller, agent transport.Net) {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(ip string) transport.Net {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		if err == nil {
			err = router.AddNet(n)
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	caller, agent = add("10.0.0.1"), add("10.0.0.2")
	if blocked {
		router.AddChunkFilter(func(vnet.Chunk) bool { return false })
	}
	if err := router.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		time.Sleep(5 * time.Second) // what is closed says so for a while
		_ = router.Stop()
	})
	return caller, agent
}

// webRTC reaches a bot by WebRTC.
func webRTC(t *testing.T, b bots.Bot, peer bots.Peer, blocked bool, messages func(string)) phone.Road {
	caller, agent := network(t, blocked)
	peer.Net = agent
	return phone.WebRTC{Net: caller, Offer: func(_ context.Context, sdp string) (string, error) {
		return b.Answer(t.Context(), peer, sdp, messages, nil)
	}}
}

func overWebRTC(t *testing.T, b bots.Bot) phone.Road {
	return webRTC(t, b, bots.Peer{}, false, nil)
}

func TestWebRTC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var messages []string
		road := webRTC(t, bot(t, "greets"), bots.Peer{}, false, func(m string) {
			mu.Lock()
			defer mu.Unlock()
			messages = append(messages, m)
		})
		call, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(time.Minute)})
		t.Logf("%+v %v", call, err)
		mu.Lock()
		defer mu.Unlock()
		if len(messages) == 0 || !strings.Contains(messages[0], "client-ready") {
			t.Error(messages)
		}
	})
}

// TestDescriptions holds what comes of answers that no call comes of: each is another
// thing to do, and none is a silence.
func TestDescriptions(t *testing.T) {
	replace := func(pattern, by string) func(string) string {
		return func(sdp string) string { return regexp.MustCompile(pattern).ReplaceAllString(sdp, by) }
	}
	for _, tt := range []struct {
		name   string
		change func(string) string
		lost   bool // what the agent sends
		want   phone.Problem
	}{
		{"as it is", func(sdp string) string { return sdp }, false, ""},
		{"the sound is declined", replace(`m=audio 9`, "m=audio 0"), false, phone.Unsuitable},
		{"another codec", replace(`(m=audio 9 \S+) .*([\s\S]*)a=rtpmap:0 PCMU/8000`, "$1 96\r${2}a=rtpmap:96 opus/48000/2"), false, phone.Unsuitable},
		{"without candidates", replace(`a=candidate.*\r\n`, ""), true, phone.NoMedia},
		{"the key is a different one", replace(`(a=fingerprint:sha-256 )..:..`, "${1}00:00"), false, phone.Unsuitable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				caller, agent := network(t, tt.lost)
				road := phone.WebRTC{Net: caller, Offer: func(_ context.Context, sdp string) (string, error) {
					answer, err := bot(t, "greets").Answer(t.Context(), bots.Peer{Net: agent}, sdp, nil, nil)
					if changed := tt.change(answer); changed == answer && tt.want != "" {
						t.Errorf("nothing is changed in %s", answer)
					} else {
						answer = changed
					}
					return answer, err
				}}
				call, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(30 * time.Second)})
				if tt.want != "" {
					problem(t, err, tt.want, 0)
				} else if _, answered := call.Answer(); err != nil || !answered {
					t.Errorf("%+v, %v", call, err)
				}
			})
		})
	}
}

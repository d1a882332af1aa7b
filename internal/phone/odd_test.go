package phone_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/zaf/g711"
	"google.golang.org/protobuf/encoding/protowire"

	"pipecat-cloud-deploy/internal/phone"
	"pipecat-cloud-deploy/internal/simulator/bots"
)

// resetting breaks the connection of a WebSocket after a time, as a packet with RST does.
type resetting struct {
	http.RoundTripper
	after time.Duration
}

func (r resetting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil {
		c := &resetConn{ReadWriteCloser: resp.Body.(io.ReadWriteCloser), reset: make(chan struct{})}
		resp.Body = c
		time.AfterFunc(r.after, func() {
			close(c.reset)
			_ = c.ReadWriteCloser.Close()
		})
	}
	return resp, err
}

type resetConn struct {
	io.ReadWriteCloser
	reset chan struct{} // closed once it is
}

func (c *resetConn) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	return c.result("read", n, err)
}

func (c *resetConn) Write(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Write(p)
	return c.result("write", n, err)
}

func (c *resetConn) result(op string, n int, err error) (int, error) {
	select {
	case <-c.reset:
		return 0, &net.OpError{Op: op, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 443}, Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	default:
		return n, err
	}
}

// TestReset holds that a connection which is reset is lost, whoever reset it: that is no
// hanging up of the agent's. What was heard before it counts.
func TestReset(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bot   string
		after time.Duration
		heard bool
	}{
		{"at once", "greets", 0, false},
		{"before a word", "silent", 2 * time.Second, false},
		{"while it speaks", "greets", 1500 * time.Millisecond, true},
		{"after it has spoken", "deaf", 8 * time.Second, true},
	} {
		for _, road := range []string{"twilio", "websocket"} {
			t.Run(road+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := bot(t, tt.bot)
					e := endpoint(b.ServeWebSocket)
					if road == "twilio" {
						e = endpoint(func(w http.ResponseWriter, r *http.Request) { b.ServeTwilio(w, r, nil) })
					}
					e.Transport = resetting{e.Transport, tt.after}
					var r phone.Road = phone.WebSocket{Endpoint: e}
					if road == "twilio" {
						r = phone.Twilio{Endpoint: e}
					}
					call, err := phone.Make(t.Context(), r, phone.Plan{Until: time.Now().Add(30 * time.Second), Say: words(8000)})
					problem(t, err, phone.Broken, 0)
					if _, heard := call.Answer(); heard != tt.heard || !call.Connected || call.HungUp || call.Lasted > tt.after+time.Second {
						t.Errorf("%+v", call)
					}
					if !errors.Is(err, syscall.ECONNRESET) || strings.Contains(err.Error(), "10.1.2.3") || !strings.Contains(err.Error(), "the connection to calls.test was lost") {
						t.Error(err)
					}
				})
			})
		}
	}
}

// twilioSays is a message with what a bot says between two times of its speech.
func twilioSays(from, to float64) string {
	var payload []byte
	for at := from; at < to; at += 1.0 / 8000 {
		payload = append(payload, g711.EncodeUlawFrame(int16(bots.Speech(at)*math.MaxInt16)))
	}
	return fmt.Sprintf(`{"event":"media","media":{"payload":%q}}`, base64.StdEncoding.EncodeToString(payload))
}

// frameSays is the same as a frame of the framework's.
func frameSays(from, to float64, rate int) []byte {
	var pcm []byte
	for n := int(from * float64(rate)); n < int(to*float64(rate)); n++ {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(bots.Speech(float64(n)/float64(rate))*math.MaxInt16)))
	}
	audio := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), pcm)
	audio = protowire.AppendVarint(protowire.AppendTag(audio, 4, protowire.VarintType), uint64(rate))
	return protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), audio)
}

// TestSizes holds that a voice is heard in messages of any size, and before the caller has
// said how the call begins.
func TestSizes(t *testing.T) {
	read := func(ctx context.Context, c *websocket.Conn) {
		for {
			if _, _, err := c.Read(ctx); err != nil {
				return
			}
		}
	}
	type talk = func(context.Context, *websocket.Conn)
	text := func(message string) talk {
		return func(ctx context.Context, c *websocket.Conn) { _ = c.Write(ctx, websocket.MessageText, []byte(message)) }
	}
	bytes := func(message []byte) talk {
		return func(ctx context.Context, c *websocket.Conn) { _ = c.Write(ctx, websocket.MessageBinary, message) }
	}
	for _, tt := range []struct {
		name    string
		twilio  bool
		talk    talk
		foreign bool
		problem phone.Problem
	}{
		{"ten seconds in one message", true, text(twilioSays(0, 10)), false, ""},
		{"a sample in each", true, func(ctx context.Context, c *websocket.Conn) {
			for n := range 3000 {
				text(twilioSays(float64(n)/8000, (float64(n)+0.5)/8000))(ctx, c)
			}
		}, false, ""},
		{"with text that is no UTF-8 between", true, func(ctx context.Context, c *websocket.Conn) {
			text("\xff\xfe{\"event\":\"media\"}")(ctx, c)
			text("{\"event\":\"\xff\"}")(ctx, c)
			text(twilioSays(0, 1))(ctx, c)
		}, true, ""},
		{"with nulls between", true, func(ctx context.Context, c *websocket.Conn) {
			for _, message := range []string{"null", `{"event":null}`, `{"event":"media","media":null}`, `{"event":"media","media":{"payload":null}}`, `{"event":"mark","mark":null}`, `{"event":"clear","streamSid":null}`} {
				text(message)(ctx, c)
			}
			text(twilioSays(0, 1))(ctx, c)
		}, false, ""},
		{"after a flood of clears and marks", true, func(ctx context.Context, c *websocket.Conn) {
			for n := range 3000 {
				text(`{"event":"clear"}`)(ctx, c)
				text(fmt.Sprintf(`{"event":"mark","mark":{"name":"%d"}}`, n))(ctx, c)
			}
			text(twilioSays(0, 1))(ctx, c)
		}, false, ""},
		{"ten seconds in one frame", false, bytes(frameSays(0, 10, 24000)), false, ""},
		{"a sample in each frame", false, func(ctx context.Context, c *websocket.Conn) {
			for n := range 3000 {
				bytes(frameSays(float64(n)/8000, float64(n+1)/8000, 8000))(ctx, c)
			}
		}, false, ""},
		{"frames of another rate", false, func(ctx context.Context, c *websocket.Conn) {
			for n := range 20 {
				bytes(frameSays(float64(n)/20, float64(n+1)/20, []int{8000, 48000, 11025, 44100}[n/5]))(ctx, c)
			}
		}, false, ""},
		{"a rate of which nothing can be made", false, bytes(frameSays(0, 10, 500)), true, ""},
		{"a frame that is too large", false, bytes(frameSays(0, 20, 48000)), false, phone.Unsuitable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := endpoint(accepted(func(ctx context.Context, c *websocket.Conn) {
					go tt.talk(ctx, c) // and before it has read a word
					time.Sleep(time.Second)
					read(ctx, c)
				}))
				var road phone.Road = phone.WebSocket{Endpoint: e}
				if tt.twilio {
					road = phone.Twilio{Endpoint: e}
				}
				call, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(5 * time.Second)})
				time.Sleep(time.Minute) // in which what the agent still does ends
				if tt.problem != "" {
					problem(t, err, tt.problem, 0)
					return
				}
				answer, answered := call.Answer()
				if err != nil || answered == (tt.foreign && call.Sounds == 0) || answer > 1100*time.Millisecond || call.Foreign > 0 != tt.foreign {
					t.Errorf("%+v, %v", call, err)
				}
			})
		})
	}
}

// TestLastMoment holds that a voice counts until the time of the plan is up, and no longer.
func TestLastMoment(t *testing.T) {
	for after, heard := range map[time.Duration]bool{59 * time.Second: true, 59900 * time.Millisecond: true, 60500 * time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			b := bots.Bot{Sound: bots.Speech, After: after, For: 2 * time.Second}
			call, err := phone.Make(t.Context(), webSocket(t, b), phone.Plan{Until: time.Now().Add(time.Minute)})
			if _, answered := call.Answer(); err != nil || answered != heard || call.Lasted > 60500*time.Millisecond {
				t.Errorf("after %s: %+v, %v", after, call, err)
			}
		})
	}
}

// TestMarksUnread holds that an agent which asks for any number of marks and reads nothing
// has the caller hold few of them.
func TestMarksUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var marks atomic.Int64
		road := phone.Twilio{Endpoint: endpoint(accepted(func(ctx context.Context, c *websocket.Conn) {
			for asked := int64(0); ; asked = marks.Add(1) {
				if c.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"event":"mark","mark":{"name":"%d"}}`, asked)) != nil {
					return
				}
				if asked == 20_000 {
					if n := runtime.NumGoroutine(); n > 2000 {
						t.Errorf("%d goroutines", n)
					}
				}
				if asked > 20_000 {
					time.Sleep(time.Second)
				}
			}
		}))}
		_, err := phone.Make(t.Context(), road, phone.Plan{Until: time.Now().Add(30 * time.Second)})
		problem(t, err, phone.Broken, 0)
		time.Sleep(time.Minute)
		if n := marks.Load(); n < 20_000 {
			t.Errorf("only %d marks", n)
		}
	})
}

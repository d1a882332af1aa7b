package phone

import (
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"pipecat-cloud-deploy/internal/pipecat"
)

// TestResample holds that a tone keeps its loudness at another rate, and that what the
// other rate cannot have is left out.
func TestResample(t *testing.T) {
	for _, tt := range []struct {
		from, to int
		hertz    float64
		want     float64 // of its loudness
	}{{8000, 16000, 400, 1}, {16000, 8000, 400, 1}, {8000, 16000, 3000, 1}, {16000, 8000, 3000, 1}, {16000, 8000, 6000, 0}, {16000, 16000, 6000, 1}, {8000, 8000, 400, 1}} {
		r := Recording{Rate: tt.from}
		for i := range tt.from {
			r.Samples = append(r.Samples, int16(10000*math.Sin(2*math.Pi*tt.hertz*float64(i)/float64(tt.from))))
		}
		out := r.at(tt.to)
		var sum float64
		for _, s := range out {
			sum += float64(s) * float64(s)
		}
		got := math.Sqrt(2*sum/float64(len(out))) / 10000
		if len(out) != tt.to || math.Abs(got-tt.want) > 0.05 {
			t.Errorf("%v Hz from %d to %d: %d samples, %.3f as loud, want %v", tt.hertz, tt.from, tt.to, len(out), got, tt.want)
		}
	}
}

// frameOf is a frame of audio as the framework has it.
func frameOf(pcm []byte, rate, channels uint64) []byte {
	b := protowire.AppendBytes(protowire.AppendTag(nil, audioSamples, protowire.BytesType), pcm)
	b = protowire.AppendVarint(protowire.AppendTag(b, audioRate, protowire.VarintType), rate)
	return protowire.AppendVarint(protowire.AppendTag(b, audioChannels, protowire.VarintType), channels)
}

func TestSound(t *testing.T) {
	pcm := []byte{1, 0, 2, 0, 3, 0, 4, 0}
	header := append([]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), make([]byte, 16)...)
	header = binary.LittleEndian.AppendUint32(append(header, "data"...), uint32(len(pcm)))
	for _, tt := range []struct {
		name    string
		frame   []byte
		want    int
		foreign bool
	}{
		{"mono", frameOf(pcm, 24000, 1), 4, false},
		{"stereo", frameOf(pcm, 24000, 2), 2, false},
		{"channels are not said", frameOf(pcm, 24000, 0), 4, false},
		{"with a header", frameOf(append(header, pcm...), 24000, 1), 4, false},
		{"half a sample", frameOf(pcm[:7], 24000, 1), 3, false},
		{"a rate of no sense", frameOf(pcm, 1<<40, 1), 0, true},
		{"a rate that overflows", frameOf(pcm, 1<<63+8000, 1), 0, true},
		{"a rate that is not said", frameOf(pcm, 0, 1), 0, true},
		{"channels of no sense", frameOf(pcm, 24000, 1<<40), 0, true},
	} {
		if h := sound(tt.frame); len(h.Samples) != tt.want || h.Foreign != tt.foreign {
			t.Errorf("%s: %+v", tt.name, h)
		}
	}
}

// TestChannels holds that a voice in any of the channels is heard.
func TestChannels(t *testing.T) {
	for want, pcm := range map[int16][]byte{100: {200, 0, 0, 0}, 101: {0, 0, 202, 0}, -200: {56, 255, 56, 255}} {
		pcm = append(pcm, pcm...)
		h := sound(frameOf(pcm, 16000, 2))
		if len(h.Samples) != 2 || h.Samples[0] != want || h.Samples[1] != want {
			t.Errorf("%v: %v, want %d", pcm, h.Samples, want)
		}
	}
}

func TestRTVI(t *testing.T) {
	for text, want := range map[string]string{
		`{"label":"rtvi-ai","type":"error","data":{"error":"no voice","fatal":true}}`: "no voice",
		`{"label":"rtvi-ai","type":"error","data":{"message":"no voice"}}`:            "no voice",
		`{"label":"rtvi-ai","type":"bot-ready","data":{"version":"1.0.0"}}`:           "",
		`{"type":"error","data":"what"}`:                                              "",
		`[]`:                                                                          "",
	} {
		if h := rtvi([]byte(text)); h.Error != want {
			t.Errorf("%s: %+v", text, h)
		}
	}
	if _, hungUp := message([]byte(`{"type":"signalling","message":{"type":"peerLeft"}}`)); !hungUp {
		t.Error("an agent that says that it leaves has hung up")
	}
	if _, hungUp := message([]byte(`{"type":"signalling","message":{"type":"renegotiate"}}`)); hungUp {
		t.Error("an agent that wants to renegotiate has not hung up")
	}
}

// TestServers holds that servers of which nothing can be made do not end a call.
func TestServers(t *testing.T) {
	servers := []pipecat.ICEServer{
		{URLs: pipecat.Texts{"stun:stun.test:3478", "pigeon:x", "", "turn:"}},
		{URLs: pipecat.Texts{"turn:turn.test:3478?transport=udp"}},
		{URLs: pipecat.Texts{"turns:turn.test:443?transport=tcp", "turn:turn.test"}, Username: "u", Credential: "c"},
	}
	got := usable(servers)
	if len(got) != 3 || got[0].URLs[0] != "stun:stun.test:3478" || got[1].URLs[0] != "turns:turn.test:443?transport=tcp" {
		t.Errorf("%v", got)
	}
	peer, err := WebRTC{Servers: servers}.newPeer()
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(frameOf([]byte("RIFFdata"), 8000, 1))
	f.Fuzz(func(_ *testing.T, data []byte) {
		sound(data)
		message(data)
	})
}

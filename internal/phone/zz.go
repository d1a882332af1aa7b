package phone
import _ "github.com/pion/webrtc/v4"

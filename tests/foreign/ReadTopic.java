import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints every record of a topic as a line of JSON, knowing only what the documents say: CloudEvents headers, a JSON
 * body, and in it `sealed`, base64url blobs that say whose they are and open with a key that this program has not.
 *
 * Usage: ReadTopic BOOTSTRAP TOPIC
 */
public final class ReadTopic {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.partitionsFor(arguments[1]).stream()
                .map(one -> new TopicPartition(one.topic(), one.partition()))
                .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(JSON.writeValueAsString(told(record)));
                }
            }
        }
    }

    private static ObjectNode told(ConsumerRecord<byte[], byte[]> record) throws Exception {
        ObjectNode told = JSON.createObjectNode();
        told.put("topic", record.topic()).put("partition", record.partition()).put("offset", record.offset());
        told.put("key", new String(record.key(), StandardCharsets.UTF_8));
        ObjectNode headers = told.putObject("headers");
        for (Header header : record.headers()) {
            headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
        }
        JsonNode body = JSON.readTree(record.value());
        told.set("body", body);
        ArrayNode blobs = told.putArray("blobs");
        for (JsonNode text : body.path("sealed")) {
            blobs.add(readable(Base64.getUrlDecoder().decode(text.asText())));
        }
        told.set("salt", readable(Base64.getUrlDecoder().decode(headers.path("ce_salt").asText())));
        return told;
    }

    /**
     * version(1) subject(16) category(length 1 + ascii) record(16) schema(length 1 + ascii) nonce(12) ciphertext+tag.
     * All before the nonce is authenticated and readable; the rest opens with the person's key only (AES-256-GCM).
     */
    private static ObjectNode readable(byte[] blob) {
        ByteBuffer bytes = ByteBuffer.wrap(blob);
        ObjectNode found = JSON.createObjectNode();
        found.put("version", bytes.get());
        found.put("subject_id", uuid(bytes).toString());
        found.put("category", text(bytes));
        found.put("record_id", uuid(bytes).toString());
        found.put("schema", text(bytes));
        bytes.position(bytes.position() + 12);
        found.put("sealed_bytes", bytes.remaining());
        return found;
    }

    private static UUID uuid(ByteBuffer bytes) {
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    private static String text(ByteBuffer bytes) {
        byte[] text = new byte[Byte.toUnsignedInt(bytes.get())];
        bytes.get(text);
        return new String(text, StandardCharsets.US_ASCII);
    }
}
